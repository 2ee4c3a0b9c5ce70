using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about nulls, order statistics and counts.</summary>
static class AggregateMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("counts non-null values only", "every aggregate of nulls only", (e, s, q) => new CountsNonNull(e, s, q).Run()),
        new("gives null for a count of nothing", "every aggregate of nothing", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Count && f.Count == 0 ? null : r).Run()),
        new("gives null for a distinct count of nothing", "every aggregate of nothing", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.DistinctCount && r is 0L ? null : r).Run()),
        new("gives 0 for a sum of nothing", "every aggregate of nothing", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Sum && r is null && e.Values[a.Value] is Apache.Arrow.DoubleArray ? 0.0 : r).Run()),
        new("gives 0 for a mean of nothing", "every aggregate of nothing", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Mean ? r ?? 0.0 : r).Run()),
        new("gives 0 for a share of nothing", "every aggregate of nulls only", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Share ? r ?? 0.0 : r).Run()),
        new("gives NaN for the deviation of one value", "every aggregate of one value", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Std ? r ?? double.NaN : r).Run()),
        new("gives 0 for the deviation of one value", "every aggregate of one value", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Std ? r ?? 0.0 : r).Run()),
        new("divides a share by all rows", "share is true over non-null conditions", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Share && f.Count > 0 ? f.Count(x => x.Values[a.Value] is true) / (double)f.Count : r).Run()),
        new("takes an unknown condition for met", "share is true over non-null conditions", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.CountWhere ? f.LongCount(x => x.Values[a.Value] is not false) : r).Run()),
        new("divides a mean by all rows", "means leave nulls out", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.Mean && r is double m ? m * f.Count(x => x.Values[a.Value] is not null) / f.Count : r).Run()),
        new("skips nulls in first and last", "first and last keep nulls", (e, s, q) => new FirstNonNull(e, s, q).Run()),
        new("takes last by arrival", "late rows of an older event do not become the latest", (e, s, q) => new LastArrived(e, s, q).Run()),
        new("swaps first and last", "the first value leaves the window and the next is first", (e, s, q) => new Swapped(e, s, q).Run()),
        new("skips NaN in min and max", "min and max put NaN last", (e, s, q) => new SkipsNaN(e, s, q).Run()),
        new("compares text of min and max by UTF-16 units", "min and max of every type", (e, s, q) => new Utf16Extremes(e, s, q).Run()),
        new("counts NaN anew each time", "distinct count: NaN equals itself and zeros are one", (e, s, q) => new DistinctNaN(e, s, q).Run()),
        new("counts zeros apart", "distinct count: NaN equals itself and zeros are one", (e, s, q) => new DistinctZeros(e, s, q).Run()),
        new("counts null as a value", "distinct count: NaN equals itself and zeros are one", (e, s, q) => new Change(e, s, q, (a, f, r) => a.Kind == AggregateKind.DistinctCount && f.Any(x => x.Values[a.Value] is null) ? (long)r! + 1 : r).Run()),
        new("drops a value when one of its rows expires", "distinct count: a value stays while one of its rows is in the window", (e, s, q) => new ForgetsTwins(e, s, q).Run()),
        new("takes the lower value for a quantile", "quantiles are interpolated", (e, s, q) => new LowerQuantile(e, s, q).Run()),
        new("takes the nearest rank for a quantile", "quantiles are interpolated", (e, s, q) => new NearestRank(e, s, q).Run()),
        new("interpolates at (n+1)q", "quantiles are interpolated", (e, s, q) => new Weibull(e, s, q).Run()),
        new("interpolates between equal infinities", "quantiles beside infinities and NaN", (e, s, q) => new BlindInterpolation(e, s, q).Run()),
    ];

    /// <summary>Changes a result afterwards.</summary>
    sealed class Change(EventTable events, SpineTable spine, AsOfQuery query, Func<AggregateSpec, List<EventRow>, object?, object?> change) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate) => change(aggregate, facts, base.Aggregate(facts, aggregate));
    }

    sealed class CountsNonNull(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate) =>
            base.Aggregate(aggregate.Kind == AggregateKind.Count ? [.. facts.Where(f => f.Values.All(v => v is not null))] : facts, aggregate);
    }

    sealed class FirstNonNull(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate) =>
            base.Aggregate(aggregate.Kind is AggregateKind.First or AggregateKind.Last ? [.. facts.Where(f => f.Values[aggregate.Value] is not null)] : facts, aggregate);
    }

    sealed class LastArrived(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate) =>
            aggregate.Kind == AggregateKind.Last ? facts.MaxBy(EffectiveAt)?.Values[aggregate.Value] : base.Aggregate(facts, aggregate);
    }

    sealed class Swapped(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate) => base.Aggregate(facts, aggregate.Kind switch
        {
            AggregateKind.First => aggregate with { Kind = AggregateKind.Last },
            AggregateKind.Last => aggregate with { Kind = AggregateKind.First },
            _ => aggregate,
        });
    }

    sealed class SkipsNaN(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override List<object> Ordered(List<object> cells) => cells.Where(c => c is not double.NaN).ToList() is { Count: > 0 } rest ? base.Ordered(rest) : cells;
    }

    sealed class Utf16Extremes(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override List<object> Ordered(List<object> cells) => cells[0] is string ? [.. cells.Cast<string>().Order(StringComparer.Ordinal)] : base.Ordered(cells);
    }

    sealed class DistinctNaN(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Distinct(List<object> cells) => base.Distinct([.. cells.Where(c => c is not double.NaN)]) + cells.Count(c => c is double.NaN);
    }

    sealed class DistinctZeros(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Distinct(List<object> cells) =>
            base.Distinct(cells) + (cells.Any(c => c is 0.0 && double.IsNegative((double)c)) && cells.Any(c => c is 0.0 && !double.IsNegative((double)c)) ? 1 : 0);
    }

    sealed class ForgetsTwins(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate)
        {
            if (aggregate.Kind != AggregateKind.DistinctCount || facts.Count == 0)
                return base.Aggregate(facts, aggregate);
            var expired = EventRow.Of(Events).Where(r => r.EventTime < facts.Min(f => f.EventTime) && KeyMatches(r.Key, facts[0].Key)).ToList();
            return base.Aggregate([.. facts.Where(f => !expired.Any(x => Same(x.Values[aggregate.Value], f.Values[aggregate.Value])))], aggregate);
        }
    }

    sealed class LowerQuantile(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Quantile(List<object> cells, double q) => Convert.ToDouble(Ordered(cells)[(int)((cells.Count - 1) * q)]);
    }

    sealed class NearestRank(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Quantile(List<object> cells, double q) => Convert.ToDouble(Ordered(cells)[Math.Max(0, (int)Math.Ceiling(cells.Count * q) - 1)]);
    }

    sealed class Weibull(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Quantile(List<object> cells, double q) =>
            base.Quantile(cells, cells.Count < 2 ? q : Math.Clamp(((cells.Count + 1) * q - 1) / (cells.Count - 1), 0, 1));
    }

    sealed class BlindInterpolation(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Quantile(List<object> cells, double q)
        {
            var ordered = Ordered(cells).ConvertAll(Convert.ToDouble);
            var position = (ordered.Count - 1) * q;
            var below = (int)position;
            return ordered[below] + (position - below) * (ordered[Math.Min(below + 1, ordered.Count - 1)] - ordered[below]);
        }
    }
}
