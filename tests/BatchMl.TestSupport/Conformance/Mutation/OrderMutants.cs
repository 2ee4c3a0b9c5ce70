using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about value order, ties and latest values.</summary>
static class OrderMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("orders by effective_at", "event time comes before available at", (e, s, q) => new ByEffectiveAt(e, s, q).Run()),
        new("orders by arrival in the table", "rows out of order give what ordered rows give", (e, s, q) => new ByRow(e, s, q).Run()),
        new("forgets available at in value order", "available at decides between equal event times", (e, s, q) => new WithoutAvailableAt(e, s, q).Run()),
        new("forgets tie-break columns", "the tie-break column decides what times leave open", (e, s, q) => NestedLoopOracle.Compute(e with { TieBreak = [] }, s, q)),
        new("compares only the first tie-break column", "tie-break columns are compared in turn", (e, s, q) => NestedLoopOracle.Compute(e with { TieBreak = [.. e.TieBreak.Take(1)] }, s, q)),
        new("puts nulls last", "nulls come first in tie-break columns", (e, s, q) => new NullsLast(e, s, q).Run()),
        new("puts NaN first", "NaN comes last in tie-break columns", (e, s, q) => new NaNFirst(e, s, q).Run()),
        new("puts minus zero before zero in value order", "zero and minus zero tie, the next column decides", (e, s, q) => new MinusZeroFirst(e, s, q).Run()),
        new("compares strings by UTF-16 units", "strings are compared by UTF-8 bytes", (e, s, q) => new Utf16Order(e, s, q).Run()),
        new("compares strings without case", "strings are compared by UTF-8 bytes", (e, s, q) => new CaselessOrder(e, s, q).Run()),
        new("lets the first of tied rows count", "where ties are allowed the later row of the table counts", (e, s, q) => new FirstOfTied(e, s, q).Run()),
        new("does not notice ties", "two latest rows equal in value order with different values are an error", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { TiesAllowed = true })),
        new("takes equal rows for a conflict", "equal rows with equal values are no error", (e, s, q) => new EqualRowsConflict(e, s, q).Run()),
        new("takes one of several look-up rows", "several rows of one key in a look-up are an error", (e, s, q) => NestedLoopOracle.Compute(e, s, e.EventTime is null ? q with { TiesAllowed = true } : q)),
        new("skips nulls in latest values", "the latest row is taken whole with its nulls", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { Latest = [.. q.Latest.Select(l => l with { NonNull = true })] })),
        new("does not skip nulls where asked to", "the latest non-null value is asked for by name, value by value", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { Latest = [.. q.Latest.Select(l => l with { NonNull = false })] })),
        new("takes NaN for null", "NaN is a value, not a null", (e, s, q) => NestedLoopOracle.Compute(NaNIsNull(e), s, q)),
    ];

    static EventTable NaNIsNull(EventTable events) =>
        EventRow.Table([.. EventRow.Of(events).Select(r => r with { Values = [.. r.Values.Select(v => v is double.NaN ? null : v)] })], events);

    sealed class ByEffectiveAt(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int CompareRows(EventRow a, EventRow b) => EffectiveAt(a) != EffectiveAt(b) ? Compare(EffectiveAt(a), EffectiveAt(b)) : base.CompareRows(a, b);
    }

    sealed class ByRow(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int CompareRows(EventRow a, EventRow b) => a.Ordinal.CompareTo(b.Ordinal);
    }

    sealed class WithoutAvailableAt(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int CompareRows(EventRow a, EventRow b) => base.CompareRows(a with { AvailableAt = null }, b with { AvailableAt = null });
    }

    sealed class NullsLast(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Compare(object? a, object? b) => a is null != b is null ? -base.Compare(a, b) : base.Compare(a, b);
    }

    sealed class NaNFirst(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Compare(object? a, object? b) => a is double.NaN != b is double.NaN && a is not null && b is not null ? -base.Compare(a, b) : base.Compare(a, b);
    }

    sealed class MinusZeroFirst(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Compare(object? a, object? b) => a is 0.0 && b is 0.0 ? double.IsNegative((double)b).CompareTo(double.IsNegative((double)a)) : base.Compare(a, b);
    }

    sealed class Utf16Order(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Compare(object? a, object? b) => a is string x && b is string y ? string.CompareOrdinal(x, y) : base.Compare(a, b);
    }

    sealed class CaselessOrder(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override int Compare(object? a, object? b) => a is string x && b is string y ? string.Compare(x, y, StringComparison.OrdinalIgnoreCase) : base.Compare(a, b);
    }

    sealed class FirstOfTied(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow Extreme(List<EventRow> candidates, int sign, int value) => base.Extreme([.. candidates.AsEnumerable().Reverse()], sign, value);
    }

    sealed class EqualRowsConflict(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow Extreme(List<EventRow> candidates, int sign, int value)
        {
            var best = base.Extreme(candidates, sign, value);
            return Query.TiesAllowed || candidates.Count(c => CompareRows(c, best) == 0) == 1 ? best : throw new DataException($"Row {best.Ordinal} is tied.");
        }
    }
}
