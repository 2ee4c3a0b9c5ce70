using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about sums and what is made of them.</summary>
static class SumMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("adds doubles one by one", "what cancels leaves what is left", (e, s, q) => new Naive(e, s, q).Run()),
        new("adds doubles one by one, small differences", "sums are rounded once, not at each step", (e, s, q) => new Naive(e, s, q).Run()),
        new("keeps a running sum of doubles", "values that left a window leave no rounding behind", (e, s, q) => new Running(e, s, q).Run()),
        new("never gets rid of NaN", "NaN and infinities enter and leave a window", (e, s, q) => new Running(e, s, q).Run()),
        new("adds double-doubles", "three scales at once cancel exactly", (e, s, q) => new DoubleDouble(e, s, q).Run()),
        new("truncates instead of rounding to even", "halves round to even", (e, s, q) => new Truncates(e, s, q).Run()),
        new("loses an overflow on the way", "a sum may pass beyond the largest double and come back", (e, s, q) => new Naive(e, s, q).Run()),
        new("loses subnormals", "the widest range of exponents is exact", (e, s, q) => new FlushesSubnormals(e, s, q).Run()),
        new("wraps integer sums", "an integer sum beyond 64 bits is an error", (e, s, q) => new Wraps(e, s, q).Run()),
        new("refuses integer sums that only pass beyond 64 bits", "an integer sum may pass beyond 64 bits on its way", (e, s, q) => new ChecksEachStep(e, s, q).Run()),
        new("adds integers as doubles", "integer sums are exact beyond 2^53", (e, s, q) => new IntegersAsDoubles(e, s, q).Run()),
        new("averages integers as doubles", "an integer sum may pass beyond 64 bits on its way", (e, s, q) => new MeanOfDoubles(e, s, q).Run()),
        new("divides the variance by n", "std divides by n-1", (e, s, q) => new Population(e, s, q).Run()),
        new("takes the deviation from rounded sums", "std from exact sums does not cancel", (e, s, q) => new RoundedSquares(e, s, q).Run()),
        new("takes the deviation of integers as doubles", "std of large integers does not overflow", (e, s, q) => new StdOfDoubles(e, s, q).Run()),
    ];

    sealed class Naive(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells) => cells[0] is double ? cells.Cast<double>().Aggregate(0.0, (a, b) => a + b) : base.Sum(cells);
    }

    /// <summary>Adds what was ever in the key and takes away what has expired.</summary>
    sealed class Running(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object? Aggregate(List<EventRow> facts, AggregateSpec aggregate)
        {
            if (aggregate.Kind != AggregateKind.Sum || facts.Count == 0 || facts[0].Values[aggregate.Value] is not double)
                return base.Aggregate(facts, aggregate);
            var earlier = EventRow.Of(Events).Where(r => KeyMatches(r.Key, facts[0].Key) && r.EventTime < facts.Min(f => f.EventTime)).Select(r => r.Values[aggregate.Value]).OfType<double>().ToList();
            var all = earlier.Concat(facts.Select(f => f.Values[aggregate.Value]).OfType<double>()).Aggregate(0.0, (a, b) => a + b);
            return earlier.Aggregate(all, (a, b) => a - b);
        }
    }

    sealed class DoubleDouble(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells)
        {
            if (cells[0] is not double)
                return base.Sum(cells);
            var (high, low) = (0.0, 0.0);
            foreach (double value in cells)
            {
                var sum = high + value;
                var part = sum - high;
                low += high - (sum - part) + (value - part);
                high = sum;
            }
            return high + low;
        }
    }

    sealed class Truncates(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells)
        {
            if (base.Sum(cells) is not double sum || !double.IsFinite(sum))
                return base.Sum(cells);
            var rest = ExactReal.Sum(cells.Cast<double>().Append(-sum));
            return rest != 0 && double.IsNegative(rest) != double.IsNegative(sum) ? double.IsNegative(sum) ? Math.BitIncrement(sum) : Math.BitDecrement(sum) : sum;
        }
    }

    sealed class FlushesSubnormals(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells) => base.Sum(cells) is double sum && double.IsSubnormal(sum) ? 0.0 : base.Sum(cells);
    }

    sealed class Wraps(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells) => cells[0] is long ? cells.Aggregate(0L, (a, b) => unchecked(a + (long)b)) : base.Sum(cells);
    }

    sealed class ChecksEachStep(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells) => cells.Select((_, i) => base.Sum(cells[..(i + 1)])).Last();
    }

    sealed class IntegersAsDoubles(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override object Sum(List<object> cells) => cells[0] is long ? (long)cells.Aggregate(0.0, (a, b) => a + (long)b) : base.Sum(cells);
    }

    sealed class MeanOfDoubles(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Mean(List<object> cells) => base.Mean([.. cells.Select(c => (object)Convert.ToDouble(c))]);
    }

    sealed class Population(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Std(List<object> cells) => base.Std(cells) * Math.Sqrt((cells.Count - 1) / (double)cells.Count);
    }

    sealed class RoundedSquares(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Std(List<object> cells)
        {
            var values = cells.ConvertAll(Convert.ToDouble);
            var (sum, squares) = (values.Sum(), values.Sum(v => v * v));
            return Math.Sqrt((squares - sum * sum / values.Count) / (values.Count - 1));
        }
    }

    sealed class StdOfDoubles(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override double Std(List<object> cells) => base.Std([.. cells.Select(c => (object)Convert.ToDouble(c))]);
    }
}
