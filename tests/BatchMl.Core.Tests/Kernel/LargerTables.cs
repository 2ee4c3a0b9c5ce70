using BatchMl.Data;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Kernel;

/// <summary>Tables of more rows than the conformance cases have, so that sorting by digits, levels of rank sets and threads come into play.</summary>
static class LargerTables
{
    internal const long Minute = 60_000_000;

    /// <summary>Rows in no order, with lags that differ per row, and every aggregate over several windows.</summary>
    internal static (EventTable Events, SpineTable Spine, AsOfQuery Query) Make(int seed, int rows, int spineRows, int keys, Func<Random, double> number)
    {
        var random = new Random(seed);
        var times = Enumerable.Range(0, rows).Select(_ => random.NextInt64(-rows, rows) * Minute).ToArray();
        object?[] Column(Func<int, object?> cell) => [.. Enumerable.Range(0, rows).Select(i => random.Next(20) == 0 ? null : cell(i))];
        var events = new EventTable
        {
            Rows = rows,
            Keys = [Cells.Build(ColumnType.String, [.. Enumerable.Range(0, rows).Select(_ => (object)$"key {random.Next(keys)}")])],
            EventTime = Cells.Timestamps([.. times.Select(t => (object?)t)]),
            AvailableAt = Cells.Timestamps(Column(i => times[i] + random.NextInt64(-10, 200) * Minute)),
            TieBreak = [Cells.Build(ColumnType.Int64, [.. Enumerable.Range(0, rows).Select(i => (object)(long)i)])],
            Values =
            [
                Cells.Build(ColumnType.Double, Column(_ => number(random))), Cells.Build(ColumnType.Int64, Column(_ => random.NextInt64(-50, 50))),
                Cells.Build(ColumnType.Boolean, Column(_ => random.Next(2) == 0)), Cells.Build(ColumnType.String, Column(_ => $"é{random.Next(30)}")),
            ],
        };
        var spine = new SpineTable(
            [Cells.Build(ColumnType.String, [.. Enumerable.Range(0, spineRows).Select(_ => (object)$"key {random.Next(keys + 1)}")])],
            Cells.Timestamps([.. Enumerable.Range(0, spineRows).Select(_ => (object?)(random.NextInt64(-rows, rows + 100) * Minute))]));
        AggregateSpec[] aggregates =
        [
            new(AggregateKind.Count, -1), new(AggregateKind.CountWhere, 2), new(AggregateKind.Share, 2), new(AggregateKind.Sum, 0), new(AggregateKind.Sum, 1), new(AggregateKind.Mean, 0),
            new(AggregateKind.Std, 0), new(AggregateKind.Std, 1), new(AggregateKind.Min, 0), new(AggregateKind.Max, 3), new(AggregateKind.First, 0), new(AggregateKind.Last, 3),
            new(AggregateKind.DistinctCount, 3), new(AggregateKind.DistinctCount, 0), new(AggregateKind.Quantile, 0, 0.3), new(AggregateKind.Quantile, 1, 0.5),
        ];
        var query = new AsOfQuery
        {
            Latest = [new(0, NonNull: false), new(3, NonNull: true)],
            Windows =
            [
                new(new WindowSpec(rows / 4 * Minute), aggregates),
                new(new WindowSpec(300 * Minute, EndsBefore: 50 * Minute, WindowConvention.ClosedOpen), aggregates),
                new(new WindowSpec(500 * Minute, 0, WindowConvention.Closed, WindowAxis.EffectiveAt), aggregates),
            ],
        };
        return (events, spine, query);
    }
}
