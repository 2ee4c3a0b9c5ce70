using BatchMl.Data;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Kernel;

public sealed class ExtremeTimeTests
{
    static readonly long[] instants = [long.MinValue, long.MinValue + 1, -1, 0, 1, long.MaxValue - 1, long.MaxValue];

    [Theory]
    [InlineData(WindowConvention.OpenClosed)]
    [InlineData(WindowConvention.ClosedOpen)]
    [InlineData(WindowConvention.Closed)]
    public void The_first_and_the_last_instant_are_instants_like_others(WindowConvention convention)
    {
        var pairs = instants.SelectMany(a => instants, (a, b) => (At: a, Known: b)).ToArray();
        var events = new EventTable
        {
            Rows = pairs.Length,
            Keys = [Cells.Build(ColumnType.Int64, [.. pairs.Select(_ => (object)0L)])],
            EventTime = Cells.Timestamps([.. pairs.Select(p => (object?)p.At)]),
            AvailableAt = Cells.Timestamps([.. pairs.Select(p => (object?)p.Known)]),
            Values = [Cells.Build(ColumnType.Int64, [.. pairs.Select((_, i) => (object)(long)i)])],
        };
        var spine = new SpineTable([Cells.Build(ColumnType.Int64, [.. instants.Select(_ => (object)0L)])], Cells.Timestamps([.. instants.Select(t => (object?)t)]));
        foreach (var length in (long[])[1, 2, long.MaxValue])
        {
            foreach (var endsBefore in (long[])[0, 1, long.MaxValue])
            {
                var query = new AsOfQuery
                {
                    Latest = [new(0, NonNull: false)],
                    Ttl = length,
                    Windows = [.. Enum.GetValues<WindowAxis>().Select(axis => new WindowAggregates(
                        new WindowSpec(length, endsBefore, convention, axis), [new(AggregateKind.Count, -1), new(AggregateKind.Sum, 0), new(AggregateKind.Last, 0)]))],
                };
                Assert.Null(Judge.Difference(NestedLoopOracle.Compute(events, spine, query), AsOfKernel.Compute(events, spine, query)));
            }
        }
    }

    [Fact]
    public void A_version_of_the_first_instant_replaces_one_that_never_shows()
    {
        var events = new EventTable
        {
            Rows = 2,
            Keys = [Cells.Build(ColumnType.Int64, [0L, 0L])],
            EventTime = Cells.Timestamps([long.MinValue, long.MinValue]),
            AvailableAt = Cells.Timestamps([long.MinValue, long.MinValue + 1]),
            Fact = [Cells.Build(ColumnType.Int64, [1L, 1L])],
            Values = [Cells.Build(ColumnType.Int64, [1L, 2L])],
        };
        var spine = new SpineTable([Cells.Build(ColumnType.Int64, [0L, 0L, 0L])], Cells.Timestamps([long.MinValue, long.MinValue + 1, long.MaxValue]));
        var latest = AsOfKernel.Compute(events, spine, new AsOfQuery { Latest = [new(0, NonNull: false)] })[0];
        Assert.Equal([1L, 2L, 2L], Enumerable.Range(0, 3).Select(i => Cells.At(latest, i)));
    }

    [Fact]
    public void Keys_of_another_type_are_refused()
    {
        var events = new EventTable { Rows = 1, Keys = [Cells.Build(ColumnType.Int64, [1L])], Values = [Cells.Build(ColumnType.Int64, [1L])] };
        var spine = new SpineTable([Cells.Build(ColumnType.Double, [1.0])], Cells.Timestamps([0L]));
        var error = Assert.Throws<ArgumentException>(() => AsOfKernel.Compute(events, spine, new AsOfQuery { Latest = [new(0, NonNull: false)] }));
        Assert.Contains("int64", error.Message, StringComparison.Ordinal);
        Assert.Contains("double", error.Message, StringComparison.Ordinal);
    }
}
