using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Conformance;

/// <summary>Each row's reason against the rules of the as-of contract, asked of every row by itself in loops that know nothing of the kernel.</summary>
public sealed class ExplainOracleTests
{
    [Fact]
    public void Every_row_has_the_reason_that_the_rules_give()
    {
        var met = new Dictionary<(RowFate Fate, bool Other), int>();
        for (var seed = 1; seed <= 6_000; seed++)
        {
            var drawn = new RandomCases(seed).Next();
            var input = drawn with
            {
                Query = drawn.Query with { TiesAllowed = true, Windows = [.. drawn.Query.Windows.Select(w => w with { Aggregates = [new AggregateSpec(AggregateKind.Count, -1)] })] },
            };
            if (input.Outcome(NestedLoopOracle.Compute) is null) continue;
            for (var s = 0; s < input.Spine.AsOf.Length; s++)
            {
                var rules = new Rules(input.Events, input.Query, input.Spine.AsOf.GetValue(s)!.Value, [.. input.Spine.Keys.Select(k => Cells.At(k, s))]);
                var explained = AsOfKernel.Explain(input.Events, input.Spine, s, input.Query);
                Assert.Equal(rules.Mine.Select(r => r.Ordinal), explained.Select(e => e.Row));
                foreach (var (row, got) in rules.Mine.Zip(explained))
                {
                    var where = $"Seed {seed}, spine row {s}, event row {row.Ordinal}\n{input}";
                    var (fate, other) = rules.WhyUnseen(row) ?? rules.WhyWithoutPart(row);
                    Assert.True((fate, other?.Ordinal) == (got.Fate, got.Other), $"Expected {fate} {other?.Ordinal}, got {got.Fate} {got.Other}. {where}");
                    var seen = rules.WhyUnseen(row) is null;
                    Assert.True(got.LatestFates.SequenceEqual(seen ? rules.ByLatest(row) : []), where);
                    Assert.True(got.WindowFates.SequenceEqual(seen ? rules.ByWindow(row) : []), where);
                    met[(fate, other is not null)] = met.GetValueOrDefault((fate, other is not null)) + 1;
                }
            }
        }
        // Every reason, and every one that can name another row with one and without, came up often enough to mean something.
        foreach (var fate in Enum.GetValues<RowFate>()) Assert.True(met.Where(m => m.Key.Fate == fate).Sum(m => m.Value) >= 30, $"{fate} came up too rarely: {string.Join(", ", met)}");
        foreach (var fate in new[] { RowFate.Counted, RowFate.Late, RowFate.Deleted }) Assert.True(met[(fate, true)] >= 30 && met[(fate, false)] >= 30, $"{fate}: {string.Join(", ", met)}");
    }

    /// <summary>The rules for one key and instant.</summary>
    sealed class Rules(EventTable declared, AsOfQuery query, long t, object?[] key)
    {
        readonly IReadOnlyList<EventRow> all = EventRow.Of(declared);

        public IEnumerable<EventRow> Mine => all.Where(r => r.Key.Zip(key).All(c => c.First is not null && c.Second is not null && Cells.Compare(c.First, c.Second) == 0));

        bool HasTime => declared.EventTime is not null;

        // Null: never.
        long? EffectiveAt(EventRow row)
        {
            if (row.EventTime is not { } happened) return null;
            if (declared.AvailableAt is null || query.IgnoreAvailability) return happened;
            return row.AvailableAt is { } known ? Math.Max(happened, known) : null;
        }

        long Version(EventRow row) => declared.AvailableAt is null ? row.EventTime!.Value : row.AvailableAt ?? long.MinValue;

        IEnumerable<EventRow> VersionsOf(EventRow row) => declared.Fact.Count == 0 ? []
            : all.Where(r => EffectiveAt(r) is not null && r.Fact.Zip(row.Fact).All(c => Cells.Compare(c.First, c.Second) == 0));

        EventRow? InForce(EventRow row) => VersionsOf(row).Where(v => EffectiveAt(v) <= t).MaxBy(Version);

        public (RowFate, EventRow?)? WhyUnseen(EventRow row)
        {
            var begun = declared.ValidFrom is null || row.ValidFrom <= t;
            if (HasTime)
            {
                var everKnown = EffectiveAt(row) is not null;
                var older = everKnown && InForce(row) is { } v && Version(v) < Version(row) ? v : null;
                if (row.EventTime > t) return (begun ? RowFate.NotHappened : RowFate.NotBegun, older);
                if (!everKnown) return (RowFate.NeverKnown, null);
                if (EffectiveAt(row) > t) return (RowFate.Late, older);
            }
            if (declared.Fact.Count > 0 && InForce(row)!.Ordinal != row.Ordinal) return (InForce(row)!.Deleted ? RowFate.Deleted : RowFate.Superseded, InForce(row));
            if (declared.Fact.Count > 0 && row.Deleted) return (RowFate.Deleted, null);
            if (!begun) return (RowFate.NotBegun, null);
            var closingKnown = declared.ClosedKnownAt is null || row.ClosedKnownAt <= t;
            return declared.ValidTo is not null && row.ValidTo <= t && closingKnown ? (RowFate.Closed, null) : null;
        }

        public (RowFate, EventRow?) WhyWithoutPart(EventRow row)
        {
            var (latest, windows) = (ByLatest(row), ByWindow(row));
            RowFate[] parts = [.. latest, .. windows];
            if (parts.Contains(RowFate.Counted)) return (RowFate.Counted, VersionsOf(row).Where(v => EffectiveAt(v) > t && Version(v) > Version(row)).OrderBy(EffectiveAt).ThenByDescending(Version).FirstOrDefault());
            if (parts.Contains(RowFate.NotLatest)) return (RowFate.NotLatest, Chosen(query.Latest[System.Array.IndexOf(latest, RowFate.NotLatest)]));
            return (parts.Contains(RowFate.AfterWindow) ? RowFate.AfterWindow : parts.Contains(RowFate.NoValue) ? RowFate.NoValue : RowFate.TooOld, null);
        }

        public RowFate[] ByLatest(EventRow row) => [.. query.Latest.Select(l =>
            query.Ttl is { } ttl && HasTime && (Int128)row.EventTime!.Value < (Int128)t - ttl ? RowFate.TooOld
            : l.NonNull && row.Values[l.Value] is null ? RowFate.NoValue
            : Chosen(l)!.Ordinal == row.Ordinal ? RowFate.Counted : RowFate.NotLatest)];

        EventRow? Chosen(LatestSpec spec)
        {
            EventRow? best = null;
            foreach (var row in Mine.Where(r => WhyUnseen(r) is null && !(spec.NonNull && r.Values[spec.Value] is null)))
                if (best is null || InValueOrder(row, best) >= 0) best = row;
            return best;
        }

        static int InValueOrder(EventRow a, EventRow b)
        {
            var order = Cells.Compare(a.EventTime, b.EventTime);
            if (order == 0) order = Cells.Compare(a.AvailableAt, b.AvailableAt);
            for (var i = 0; order == 0 && i < a.TieBreak.Length; i++) order = Cells.Compare(a.TieBreak[i], b.TieBreak[i]);
            return order;
        }

        public RowFate[] ByWindow(EventRow row) => [.. query.Windows.Select(w =>
        {
            var at = (w.Window.Axis == WindowAxis.EffectiveAt ? EffectiveAt(row) : row.EventTime)!.Value;
            var end = t - w.Window.EndsBefore;
            var start = end - w.Window.Length;
            if (w.Window.Convention == WindowConvention.OpenClosed ? at <= start : at < start) return RowFate.TooOld;
            return (w.Window.Convention == WindowConvention.ClosedOpen ? at >= end : at > end) ? RowFate.AfterWindow : RowFate.Counted;
        })];
    }
}
