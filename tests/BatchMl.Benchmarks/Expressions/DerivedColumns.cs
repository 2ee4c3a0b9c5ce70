using System.Diagnostics;
using Apache.Arrow;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Benchmarks.Expressions;

/// <summary>A row of the table that columns are derived from.</summary>
public sealed record Trip(double? Delay, double? Other, double? AirTime, double Distance, long Minute, DateTimeOffset Time);

/// <summary>Twenty derived columns, compiled from lambdas, against loops written by hand over the same arrays.</summary>
sealed class DerivedColumns : Benchmark
{
    const int Rows = 10_000_000, BatchRows = 65_536;

    public override string Name => "expressions";

    public override string What => "20 derived columns with nulls over 10 M rows, one thread; C# loops written by hand over the same arrays";

    public override string Target => "at least 0.5x the speed";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var batches = await BatchesAsync();
        var compiled = HandWritten.Columns.Select(c => (c.Name, CompiledExpr.Compile(LambdaTranslator.Translate(c.Lambda)), c.Loop)).ToArray();
        foreach (var (name, expr, loop) in compiled) AssertSame(name, expr.Evaluate(batches[3]), loop(Arrays.Of(batches[3])));
        var all = Paired.Run(3, () => { foreach (var b in batches) foreach (var (_, expr, _) in compiled) expr.Evaluate(b); }, () => { foreach (var b in batches) foreach (var (_, _, loop) in compiled) loop(Arrays.Of(b)); });
        var slowest = compiled.Select(c => (c.Name, Ratio: ColumnRatio(batches, c.Item2, c.Loop))).OrderByDescending(c => c.Ratio).First();
        var speed = 1 / all.Ratio;
        return new Outcome(all.Ours.ToString(), all.Peer.ToString(), $"{Paired.Times(speed)} the speed", speed >= 0.5, $"least favourable column: `{slowest.Name}`, {Paired.Times(1 / slowest.Ratio)}");
    }

    static double ColumnRatio(RecordBatch[] batches, CompiledExpr expr, Func<Arrays, IArrowArray> loop) =>
        Paired.Run(3, () => { foreach (var b in batches.Take(40)) expr.Evaluate(b); }, () => { foreach (var b in batches.Take(40)) loop(Arrays.Of(b)); }).Ratio;

    static void AssertSame(string name, IArrowArray ours, IArrowArray byHand)
    {
        for (var i = 0; i < ours.Length; i++)
            if (!Equals(Columns.ValueAt(ours, i), Columns.ValueAt(byHand, i))) throw new InvalidOperationException($"{name}, row {i}: ours {Columns.ValueAt(ours, i)}, by hand {Columns.ValueAt(byHand, i)}.");
    }

    static async Task<RecordBatch[]> BatchesAsync()
    {
        var flights = await Flights.RepeatAsync(BatchRows * 8, FlightKey.CarrierOrigin);
        // Eight different batches in turn: what matters is their number of rows, not that all fit memory at once.
        var different = Enumerable.Range(0, 8).Select(b => Batch(flights, b * BatchRows)).ToArray();
        return [.. Enumerable.Range(0, Rows / BatchRows).Select(b => different[b % different.Length])];
    }

    static RecordBatch Batch(Flights flights, int first)
    {
        int[] rows = [.. Enumerable.Range(first, BatchRows)];
        var delay = (DoubleArray)Columns.Take(flights.Delay, rows);
        // Another number for each row, null in a seventh of them.
        var other = (DoubleArray)Columns.Take(flights.Delay, [.. rows.Select(r => r % 7 == 0 ? -1 : (r * 31 + 7) % flights.Rows)]);
        var airTime = new DoubleArray.Builder();
        var (distance, minute) = (new DoubleArray.Builder(), new Int64Array.Builder());
        foreach (var r in rows)
        {
            if (r % 40 == 0) airTime.AppendNull();
            else airTime.Append(40 + r % 300);
            distance.Append(80 + r * 13 % 2500);
            minute.Append(r % 60);
        }
        IArrowArray[] arrays = [delay, other, airTime.Build(), distance.Build(), minute.Build(), Columns.Take(flights.EventTime, rows)];
        return new RecordBatch(new Schema(RecordColumns.Of(typeof(Trip)).Select((c, i) => new Field(c.Name, arrays[i].Data.DataType, true)), null), arrays, BatchRows);
    }
}
