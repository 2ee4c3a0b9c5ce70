using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Kernel;

public sealed class ExplainTests
{
    [Fact]
    public void What_explain_says_counted_is_what_compute_counts()
    {
        var explained = 0;
        for (var seed = 1; seed <= 2_000; seed++)
        {
            var drawn = new RandomCases(seed).Next();
            // Ties are another matter, and an explanation has no sums that could be too great.
            var query = drawn.Query with { TiesAllowed = true, Windows = [.. drawn.Query.Windows.Select(w => w with { Aggregates = [new AggregateSpec(AggregateKind.Count, -1)] })] };
            if (drawn with { Query = query } is var input && input.Outcome(NestedLoopOracle.Compute) is null) continue;
            var columns = AsOfKernel.Compute(input.Events, input.Spine, query);
            for (var row = 0; row < input.Spine.AsOf.Length; row++)
            {
                var fates = AsOfKernel.Explain(input.Events, input.Spine, row, query);
                for (var l = 0; l < query.Latest.Count; l++)
                {
                    var source = fates.SingleOrDefault(f => f.Latest.Contains(l));
                    var expected = source is null ? null : Cells.At(input.Events.Values[query.Latest[l].Value], source.Row);
                    Assert.True(Cells.Identical(expected, Cells.At(columns[l], row)), $"Seed {seed}, spine row {row}, latest {l}: explained {expected}, computed {Cells.At(columns[l], row)}\n{input}");
                }
                for (var w = 0; w < query.Windows.Count; w++)
                    Assert.True(fates.Count(f => f.Windows.Contains(w)) == (long)Cells.At(columns[query.Latest.Count + w], row)!, $"Seed {seed}, spine row {row}, window {w}\n{input}");
                Assert.All(fates, f => Assert.Equal(f.Fate == RowFate.Counted, f.Latest.Count + f.Windows.Count > 0));
                explained += fates.Count;
            }
        }
        Assert.True(explained > 1_000, $"Only {explained} rows were explained.");
    }

    [Fact]
    public void Each_fate_has_its_reason()
    {
        string[] expected = ["TooOld", "NotLatest", "Counted", "Late", "Superseded", "Counted", "Deleted", "Deleted", "Closed", "NotHappened"];
        (long Event, long Known, long Fact, bool Deleted, long? To)[] rows =
        [
            (10, 10, 1, false, null), (70, 70, 2, false, null), (90, 90, 3, false, null), (95, 101, 4, false, null), (80, 80, 5, false, null),
            (91, 92, 5, false, null), (85, 85, 6, false, null), (85, 86, 6, true, null), (86, 86, 7, false, 99), (101, 86, 8, false, null),
        ];
        var events = new EventTable
        {
            Rows = rows.Length,
            Keys = [Cells.Build(Data.ColumnType.Int64, [.. rows.Select(_ => (object)1L)])],
            EventTime = Cells.Timestamps([.. rows.Select(r => (object?)r.Event)]),
            AvailableAt = Cells.Timestamps([.. rows.Select(r => (object?)r.Known)]),
            Fact = [Cells.Build(Data.ColumnType.Int64, [.. rows.Select(r => (object)r.Fact)])],
            Deleted = (Apache.Arrow.BooleanArray)Cells.Build(Data.ColumnType.Boolean, [.. rows.Select(r => (object)r.Deleted)]),
            // Only the closed row needs an interval; the others begin and end one after the other, so that none overlap.
            ValidFrom = Cells.Timestamps([.. rows.Select((r, i) => (object?)(r.To is null ? -1_000L + i : 10L))]),
            ValidTo = Cells.Timestamps([.. rows.Select((r, i) => (object?)(r.To ?? -999L + i))]),
            ClosedKnownAt = Cells.Timestamps([.. rows.Select(r => (object?)(r.To is null ? null : 99L))]),
            Values = [Cells.Build(Data.ColumnType.Int64, [.. rows.Select(r => (object)r.Event)])],
        };
        var spine = new SpineTable([Cells.Build(Data.ColumnType.Int64, [1L])], Cells.Timestamps([100L]));
        var query = new AsOfQuery { Latest = [new(0, NonNull: false)], Ttl = 50, Windows = [new(new WindowSpec(11, Convention: WindowConvention.Closed), [new(AggregateKind.Count, -1)])] };
        Assert.Equal(expected, AsOfKernel.Explain(events, spine, 0, query).Select(f => f.Fate.ToString()));
    }
}
