using Apache.Arrow;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about what is known, what is fresh and which rows come out.</summary>
static class KnowledgeMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("takes the event time for effective_at", "a row that arrives late is unknown until it arrives", (e, s, q) => new EventTimeIsKnown(e, s, q).Run()),
        new("takes available at for effective_at", "a row that is announced before it happens counts from its event time", (e, s, q) => new AvailableAtIsEffective(e, s, q).Run()),
        new("knows rows without available at", "a row without available at is never known", (e, s, q) => new NullIsKnown(e, s, q).Run()),
        new("reads T before rows of the same instant are applied", "a row at the very instant of the spine row counts", (e, s, q) => new ReadsTooEarly(e, s, q).Run()),
        new("forgets the opt-out", "the opt-out counts rows from their event time", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { IgnoreAvailability = false })),
        new("forgets available at altogether under the opt-out", "the opt-out keeps value order and the order of versions",
            (e, s, q) => NestedLoopOracle.Compute(q.IgnoreAvailability ? e with { AvailableAt = null } : e, s, q)),
        new("excludes the ttl's edge", "ttl: a row exactly as old as the ttl counts", (e, s, q) => new TtlExclusive(e, s, q).Run()),
        new("measures the ttl from effective_at", "ttl is measured from the event time, not from when the row became known", (e, s, q) => new TtlFromEffective(e, s, q).Run()),
        new("ignores the ttl", "ttl: a microsecond older than the ttl is too old", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { Ttl = null })),
        new("applies the ttl to windows", "ttl does not touch windows", (e, s, q) => new TtlOnWindows(e, s, q).Run()),
        new("takes the age of a row without time", "a row without time has no age, so no ttl", (e, s, q) => e.EventTime is null && q.Ttl is not null ? Nothing(s, q, e) : NestedLoopOracle.Compute(e, s, q)),
        new("drops duplicate spine rows", "duplicate spine rows are kept", (e, s, q) => DropDuplicates(e, s, q)),
        new("sorts the spine", "the order of the spine is kept", (e, s, q) => Sorted(e, s, q)),
        new("counts in milliseconds", "a microsecond separates", (e, s, q) => NestedLoopOracle.Compute(Milliseconds(e), s, q)),
    ];

    static IReadOnlyList<IArrowArray> Nothing(SpineTable spine, AsOfQuery query, EventTable events) => NestedLoopOracle.Compute(EventRow.Table([], events), spine, query);

    static IReadOnlyList<IArrowArray> DropDuplicates(EventTable events, SpineTable spine, AsOfQuery query)
    {
        var rows = Enumerable.Range(0, spine.AsOf.Length).DistinctBy(i => string.Join('|', spine.Keys.Select(k => Cells.At(k, i)).Append(spine.AsOf.GetValue(i)))).ToList();
        return new AsOfCase(events, spine, query).WithSpine(rows) is var smaller ? NestedLoopOracle.Compute(smaller.Events, smaller.Spine, smaller.Query) : [];
    }

    static IReadOnlyList<IArrowArray> Sorted(EventTable events, SpineTable spine, AsOfQuery query)
    {
        var sorted = new AsOfCase(events, spine, query).WithSpine([.. Enumerable.Range(0, spine.AsOf.Length).OrderBy(i => spine.AsOf.GetValue(i))]);
        return NestedLoopOracle.Compute(sorted.Events, sorted.Spine, sorted.Query);
    }

    static EventTable Milliseconds(EventTable events) =>
        EventRow.Table([.. EventRow.Of(events).Select(r => r with { EventTime = r.EventTime / 1000 * 1000, AvailableAt = r.AvailableAt / 1000 * 1000 })], events);

    sealed class EventTimeIsKnown(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override long? EffectiveAt(EventRow row) => row.EventTime;
    }

    sealed class AvailableAtIsEffective(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override long? EffectiveAt(EventRow row) => Events.AvailableAt is null ? row.EventTime : row.AvailableAt;
    }

    sealed class NullIsKnown(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override long? EffectiveAt(EventRow row) => base.EffectiveAt(row) ?? row.EventTime;
    }

    sealed class ReadsTooEarly(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsKnown(EventRow row, long asOf) => EffectiveAt(row) < asOf;
    }

    sealed class TtlExclusive(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsFresh(EventRow row, long asOf) => Query.Ttl is null || row.EventTime > asOf - Query.Ttl;
    }

    sealed class TtlFromEffective(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsFresh(EventRow row, long asOf) => Query.Ttl is null || EffectiveAt(row) >= asOf - Query.Ttl;
    }

    sealed class TtlOnWindows(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool InWindow(EventRow fact, WindowSpec window, long asOf) => base.InWindow(fact, window, asOf) && IsFresh(fact, asOf);
    }
}
