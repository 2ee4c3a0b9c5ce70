using System.Globalization;
using Apache.Arrow;
using BatchMl.Benchmarks.Data;
using BatchMl.Benchmarks.Harness;
using BatchMl.BigQuery;
using BatchMl.Data;
using BatchMl.Parquet;

namespace BatchMl.Benchmarks.BigQuery;

/// <summary>Five million rows staged, and loaded into what stands in for BigQuery.</summary>
sealed class LoadedRows : Benchmark
{
    const int Days = 10, PerDay = 500_000, Numbers = 8;

    static readonly DateOnly first = new(2026, 10, 1);

    static readonly Schema schema = new(
    [
        new Field("id", Columns.ArrowType(ColumnType.Int64), false), new Field("name", Columns.ArrowType(ColumnType.String), true),
        .. Enumerable.Range(0, Numbers).Select(n => new Field($"x{n}", Columns.ArrowType(ColumnType.Double), true)), new Field("day", Columns.ArrowType(ColumnType.Date), false),
    ], null);

    public override string Name => "bigquery-load";

    public override string What => string.Create(CultureInfo.InvariantCulture, $"{Days * PerDay:n0} rows of {schema.FieldsList.Count} columns in {Days} partitions, staged as Parquet and loaded into the stand-in for BigQuery; DuckDB alone reading the same files into a table, which is what the stand-in does with them");

    public override string Target => "rows/s and memory are reported";

    public override async Task<Outcome> RunAsync(string folder)
    {
        using var standIn = await StandIn.StartAsync();
        var told = OwnProcess.Output("--bigquery-load", folder, standIn.Url.ToString()).Split(' ').Select(t => double.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        var (staged, loaded, peak) = (told[0], told[1], told[2]);
        var ceiling = Seconds.Of(() =>
        {
            using var duck = new Duck(2);
            duck.Execute($"CREATE TABLE t AS SELECT * FROM read_parquet('{folder}/files/**/*.parquet', hive_partitioning = false)");
        }).Wall;
        const double Rows = Days * PerDay;
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"staged {Rows / staged / 1e3:0} k rows/s, loaded {Rows / loaded / 1e3:0} k rows/s, peak {peak / (1 << 20):0} MiB"), string.Create(CultureInfo.InvariantCulture, $"{Rows / ceiling / 1e3:0} k rows/s"),
            string.Create(CultureInfo.InvariantCulture, $"{Rows / (staged + loaded) / 1e3:0} k rows/s"), true,
            string.Create(CultureInfo.InvariantCulture, $"{new DirectoryInfo(Path.Combine(folder, "files")).EnumerateFiles("*.parquet", SearchOption.AllDirectories).Sum(f => f.Length) / 1e6:0} MB; one partition after the other; each load is asked after half a second after it was sent"));
    }

    /// <summary>What the process does: tells seconds of staging and of loading, and its peak.</summary>
    public static async Task RunInItsProcessAsync(string folder, string url)
    {
        var options = BigQuerySettings.Read($"bigquery://{StandIn.Project}/ml/rows", [new("Endpoint", url), new("Credentials", "none")]);
        using var sink = new BigQuerySink(options, new ParquetSink(Path.Combine(folder, "files"), new ParquetLayout { Name = options.Name, ForOtherReaders = true }));
        var versions = new List<StagedPartition>();
        var staged = await Seconds.OfAsync(async () =>
        {
            for (var day = 0; day < Days; day++) versions.Add(await StageAsync(sink, options.Name, day));
        });
        var loaded = await Seconds.OfAsync(async () =>
        {
            foreach (var version in versions) await sink.PublishAsync(new PartitionManifest(1, version, "run", "fingerprint", TimeProvider.System.GetUtcNow()), default);
        });
        Console.Write(string.Create(CultureInfo.InvariantCulture, $"{staged.Wall} {loaded.Wall} "));
        OwnProcess.TellPeak();
    }

    static async Task<StagedPartition> StageAsync(BigQuerySink sink, string name, int day)
    {
        var date = first.AddDays(day);
        await using var stage = await sink.StageAsync(new PartitionKey(name, "rows", "day", date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)), 1, schema, default);
        for (var from = 0; from < PerDay; from += 1 << 16)
        {
            using var batch = Batch(day, from, Math.Min(1 << 16, PerDay - from));
            await stage.WriteAsync(batch, default);
        }
        return await stage.CompleteAsync(default);
    }

    static RecordBatch Batch(int day, int from, int count)
    {
        var random = new Random(day * PerDay + from);
        var (id, name, date) = (new Int64Array.Builder(), new StringArray.Builder(), new Date32Array.Builder());
        var numbers = Enumerable.Range(0, Numbers).Select(_ => new DoubleArray.Builder()).ToArray();
        for (var i = 0; i < count; i++)
        {
            id.Append(day * PerDay + from + i);
            name.Append($"name {random.Next(10_000)}");
            date.Append(first.AddDays(day));
            foreach (var n in numbers) n.Append(random.NextDouble());
        }
        return new RecordBatch(schema, [id.Build(), name.Build(), .. numbers.Select(n => n.Build()), date.Build()], count);
    }
}
