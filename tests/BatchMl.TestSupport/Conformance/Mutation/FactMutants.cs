using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about versions of facts and about validity.</summary>
static class FactMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("forgets to retract the predecessor", "a correction replaces its predecessor from when it is known", (e, s, q) => NestedLoopOracle.Compute(e with { Fact = [], Deleted = null }, s, q)),
        new("retracts from latest values but not from windows", "a correction downwards takes the greater value away", (e, s, q) => q.Windows.Count > 0 && q.Latest.Count == 0
            ? NestedLoopOracle.Compute(e with { Fact = [] }, s, q) : NestedLoopOracle.Compute(e, s, q)),
        new("knows corrections before they are made", "a correction replaces its predecessor from when it is known", (e, s, q) => new FinalVersions(e, s, q).Run()),
        new("takes the version with the greatest event time", "a correction moves the event time and so the window and the latest", (e, s, q) => new VersionsByEventTime(e, s, q).Run()),
        new("takes the version that took effect last", "a version that takes effect later but was available earlier never counts", (e, s, q) => new VersionsByEffectiveAt(e, s, q).Run()),
        new("takes the last version of the table", "versions that arrive out of order count by available at", (e, s, q) => new VersionsByRow(e, s, q).Run()),
        new("lets a deleting version count", "a deleted fact is gone from latest values and windows", (e, s, q) => NestedLoopOracle.Compute(e with { Deleted = null }, s, q)),
        new("ignores deleting versions, so the fact stays", "a deleted fact is gone from latest values and windows",
            (e, s, q) => NestedLoopOracle.Compute(EventRow.Table([.. EventRow.Of(e).Where(r => !r.Deleted)], e), s, q)),
        new("buries a deleted fact for ever", "a deleted fact can come back", (e, s, q) => new DeletedForEver(e, s, q).Run()),
        new("keeps versions per key", "a version that moves to another key leaves the old one", (e, s, q) => NestedLoopOracle.Compute(e with { Fact = e.Fact.Count == 0 ? [] : [.. e.Fact, .. e.Keys] }, s, q)),
        new("joins fact columns as strings", "facts of several columns are tuples, and null is a value of them", (e, s, q) => new JoinedFacts(e, s, q).Run()),
        new("takes one of two equal versions", "two versions with equal available at are an error", (e, s, q) => new AnyVersion(e, s, q).Run()),
        new("does not notice deletions of unknown facts", "a deletion of a fact that nobody knows is an error", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { UnknownDeletesAllowed = true })),
        new("refuses deletions of unknown facts where they are allowed", "where unknown deletes are allowed a deletion of what never was leaves nothing", (e, s, q) => NestedLoopOracle.Compute(e, s, q with { UnknownDeletesAllowed = false })),
        new("takes what is never known for an earlier version", "a version that is never known makes no deletion known", (e, s, q) => new NeverKnownIsEarlier(e, s, q).Run()),
        new("orders versions before a deletion by event time", "what is deleted may be dated after its deletion", (e, s, q) => new EarlierByEventTime(e, s, q).Run()),
        new("looks for what is deleted among what has happened", "what is deleted may be dated in the future", (e, s, q) => new EarlierHasHappened(e, s, q).Run()),
        new("wants what is deleted to be there still", "a deletion may be repeated", (e, s, q) => new DeletesWhatIsThere(e, s, q).Run()),
        new("refuses deletions that become available after the last as_of", "a deletion of the future is no error yet", (e, s, q) => new RefusesTheFuture(e, s, q).Run()),
        new("refuses unknown deletions only after they became available", "a deletion of a fact that nobody knows is an error as of the instant at which it becomes available", (e, s, q) => new RefusesThePast(e, s, q).Run()),
        new("refuses unknown deletions only of keys that are asked for", "a deletion of what never was is an error whoever is asked about", (e, s, q) => new RefusesWhatIsAsked(e, s, q).Run()),
        new("takes a later version for an earlier one", "a fact that comes back was no more known to the deletion before it", (e, s, q) => new AnyIsEarlier(e, s, q).Run()),
        new("takes what never happens for an earlier version", "a version without event time makes no deletion known", (e, s, q) => new WithoutTimeIsVersion(e, s, q).Run()),
        new("looks for what is deleted under the deletion's key", "a deletion may come under another key than what it deletes", (e, s, q) => new EarlierOfKey(e, s, q).Run()),
        new("closes in retrospect", "a to written in place later never leaks", (e, s, q) => NestedLoopOracle.Compute(e with { ClosedKnownAt = null }, s, q)),
        new("closes when the closing is known, not when it holds", "a closing known in advance closes on time", (e, s, q) => new ClosesWhenKnown(e, s, q).Run()),
        new("never closes", "validity is half-open", (e, s, q) => NestedLoopOracle.Compute(e with { ValidTo = null }, s, q)),
        new("takes the end of validity for a part of it", "validity is half-open", (e, s, q) => new ClosedInterval(e, s, q).Run()),
        new("leaves the start of validity out", "a row known in advance holds from its from", (e, s, q) => new OpenStart(e, s, q).Run()),
        new("begins validity when the row is known", "the event time may be another column than from", (e, s, q) => NestedLoopOracle.Compute(e with { ValidFrom = e.ValidFrom is null ? null : e.EventTime }, s, q)),
        new("knows a slowly changing row before it is known", "a row that is not yet known does not hold", (e, s, q) => NestedLoopOracle.Compute(e.ValidFrom is null ? e : e with { AvailableAt = null }, s, q)),
        new("counts closed rows in windows", "windows count the rows that hold", (e, s, q) => q.Latest.Count == 0 ? NestedLoopOracle.Compute(e with { ValidFrom = null, ValidTo = null }, s, q) : NestedLoopOracle.Compute(e, s, q)),
        new("does not notice overlapping validity", "overlapping validity intervals are an error", (e, s, q) => new OverlapAllowed(e, s, q).Run()),
        new("finds superseded versions to overlap", "a corrected interval no longer overlaps", (e, s, q) => new SupersededOverlaps(e, s, q).Run()),
    ];

    sealed class FinalVersions(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        readonly IReadOnlyList<EventRow> rows = EventRow.Of(events);

        protected override IEnumerable<EventRow> CurrentVersions(List<EventRow> known) =>
            base.CurrentVersions([.. rows.Where(r => EffectiveAt(r) is not null && known.Any(k => SameFact(k, r)))]);
    }

    sealed class VersionsByEventTime(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow CurrentVersion(List<EventRow> versions) => versions.MaxBy(v => v.EventTime)!;
    }

    sealed class VersionsByEffectiveAt(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow CurrentVersion(List<EventRow> versions) => versions.MaxBy(EffectiveAt)!;
    }

    sealed class VersionsByRow(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow CurrentVersion(List<EventRow> versions) => versions[^1];
    }

    sealed class DeletedForEver(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override EventRow CurrentVersion(List<EventRow> versions) => versions.FirstOrDefault(v => v.Deleted) ?? base.CurrentVersion(versions);
    }

    sealed class JoinedFacts(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool SameFact(EventRow a, EventRow b) => string.Concat(a.Fact) == string.Concat(b.Fact);
    }

    sealed class AnyVersion(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override void RefuseEqualVersions()
        {
        }
    }

    sealed class NeverKnownIsEarlier(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsEarlier(EventRow version, EventRow deletion) => version.AvailableAt is null || base.IsEarlier(version, deletion);

        protected override bool IsVersion(EventRow row) => row.EventTime is not null;
    }

    sealed class EarlierByEventTime(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsEarlier(EventRow version, EventRow deletion) => version.EventTime < deletion.EventTime;
    }

    sealed class EarlierHasHappened(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsEarlier(EventRow version, EventRow deletion) => base.IsEarlier(version, deletion) && Spine.AsOf.Values.ToArray().Any(asOf => IsKnown(version, asOf));
    }

    sealed class DeletesWhatIsThere(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override void RefuseUnknownDeletes()
        {
            var rows = EventRow.Of(Events);
            foreach (var deletion in rows.Where(IsDeleted))
                if (rows.Where(r => SameFact(r, deletion) && IsEarlier(r, deletion)).MaxBy(VersionOf) is not { Deleted: false })
                    throw new DataException($"Row {deletion.Ordinal} deletes what is not there.");
        }
    }

    sealed class RefusesTheFuture(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsAvailable(EventRow version) => true;
    }

    sealed class RefusesThePast(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsAvailable(EventRow version) => Spine.AsOf.Values.ToArray().Any(asOf => VersionOf(version) < asOf);
    }

    sealed class RefusesWhatIsAsked(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsAvailable(EventRow version) =>
            base.IsAvailable(version) && Enumerable.Range(0, Spine.AsOf.Length).Any(i => KeyMatches(version.Key, [.. Spine.Keys.Select(k => Cells.At(k, i))]));
    }

    sealed class AnyIsEarlier(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsEarlier(EventRow version, EventRow deletion) => version.Ordinal != deletion.Ordinal;
    }

    sealed class WithoutTimeIsVersion(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsVersion(EventRow row) => row.EventTime is null || base.IsVersion(row);
    }

    sealed class EarlierOfKey(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool IsEarlier(EventRow version, EventRow deletion) => base.IsEarlier(version, deletion) && KeyMatches(version.Key, deletion.Key);
    }

    sealed class ClosesWhenKnown(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool Holds(EventRow row, long asOf) => Events.ValidFrom is null || (row.ValidFrom <= asOf && !(row.ClosedKnownAt <= asOf));
    }

    sealed class ClosedInterval(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool Holds(EventRow row, long asOf) => Events.ValidFrom is null || (row.ValidFrom <= asOf && !(row.ValidTo < asOf && ClosingKnown(row, asOf)));
    }

    sealed class OpenStart(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool Holds(EventRow row, long asOf) => base.Holds(row, asOf) && !(row.ValidFrom >= asOf);
    }

    sealed class OverlapAllowed(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override void RefuseOverlaps()
        {
        }
    }

    sealed class SupersededOverlaps(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events with { Fact = [] }, spine, query);
}
