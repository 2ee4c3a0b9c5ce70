using System.Globalization;
using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using BatchMl.Parquet;
using Field = Apache.Arrow.Field;

namespace BatchMl.BigQuery.Tests.Sink;

/// <summary>The stand-in, and sinks of one table over one folder: each of them is a process that may die.</summary>
sealed class SinkFixture : IAsyncDisposable
{
    readonly BigQueryFixture bigQuery;
    readonly Func<BigQuerySinkOptions, BigQuerySinkOptions> with;
    readonly List<BigQuerySink> sinks = [];

    SinkFixture(BigQueryFixture bigQuery, Func<BigQuerySinkOptions, BigQuerySinkOptions> with) => (this.bigQuery, this.with) = (bigQuery, with);

    public static async Task<SinkFixture> StartAsync(Func<BigQuerySinkOptions, BigQuerySinkOptions>? with = null, FakeBigQueryOptions? options = null, string? location = "EU") =>
        new(await BigQueryFixture.StartAsync(options, location: location), with ?? (o => o));

    public static Func<BigQuerySinkOptions, BigQuerySinkOptions> Mode(BigQueryMode mode) => o => o with { Mode = mode, Keys = mode == BigQueryMode.Merge ? ["id", "flight_date"] : [] };

    public FakeBigQuery Fake => bigQuery.Fake;
    public BigQueryClient Client => bigQuery.Client;
    public TableReference Table => bigQuery.Dataset.Table("scores");
    public string Root => bigQuery.At("files");

    public BigQuerySinkOptions Options => with(new BigQuerySinkOptions { Table = Table, Client = BigQueryFixture.Options(Fake, bigQuery.Time) });

    public BigQuerySink Sink(Action<string>? reached = null, Func<BigQuerySinkOptions, BigQuerySinkOptions>? more = null, string? root = null)
    {
        var options = (more ?? (o => o))(Options);
        var sink = new BigQuerySink(options, new ParquetSink(root ?? Root, ParquetSink.Create, reached ?? (_ => { }), new ParquetLayout { Name = options.Name, ForOtherReaders = true }), reached ?? (_ => { }));
        sinks.Add(sink);
        return sink;
    }

    /// <summary>The dataset that partitions are of.</summary>
    public string Dataset { get; set; } = "flight-delays/score";

    /// <summary>When what is staged next was committed.</summary>
    public DateTimeOffset CommittedAt { get; set; } = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public PartitionKey Key(string day) => new(Options.Name, Dataset, "flight_date", day);

    public static Schema Schema { get; } = new(
    [
        new Field("id", Columns.ArrowType(ColumnType.Int64), false), new Field("name", Columns.ArrowType(ColumnType.String), true),
        new Field("score", Columns.ArrowType(ColumnType.Double), false, [KeyValuePair.Create("description", "Output of the model")]),
        new Field("scored_at", Columns.UtcMicroseconds, false), new Field("run_id", Columns.ArrowType(ColumnType.String), false), new Field("flight_date", Columns.ArrowType(ColumnType.Date), false),
    ], null);

    /// <summary>Rows of a day with the given ids; a score says which version it is of.</summary>
    public static RecordBatch Rows(string day, IReadOnlyList<long> ids, double version = 0, string run = "r1")
    {
        var (id, name, score, at, runs, days) = (new Int64Array.Builder(), new StringArray.Builder(), new DoubleArray.Builder(), new TimestampArray.Builder(Columns.UtcMicroseconds), new StringArray.Builder(), new Date32Array.Builder());
        foreach (var i in ids)
        {
            id.Append(i);
            if (i % 7 == 0) name.AppendNull();
            else name.Append($"näme {i}");
            score.Append(version + i / 1000.0);
            at.Append(new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(i * 10));
            runs.Append(run);
            days.Append(DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture));
        }
        return new RecordBatch(Schema, [id.Build(), name.Build(), score.Build(), at.Build(), runs.Build(), days.Build()], ids.Count);
    }

    public static long[] Ids(int count, int from = 0) => [.. Enumerable.Range(from, count).Select(i => (long)i)];

    /// <summary>What the table must hold of such rows.</summary>
    public static IEnumerable<string> Expected(string day, IReadOnlyList<long> ids, double version = 0, string run = "r1") =>
        ids.Select(i => FormattableString.Invariant($"{day}|{i}|{(i % 7 == 0 ? "NULL" : $"näme {i}")}|{version + i / 1000.0:F3}|{new DateTime(2024, 1, 2, 3, 4, 5).AddTicks(i * 10):yyyy-MM-dd HH:mm:ss.ffffff}|{run}"));

    public async Task<PartitionManifest> StageAsync(BigQuerySink sink, string day, RecordBatch rows, long fence, int deadLetters = 0, string run = "r1")
    {
        await using var stage = await sink.StageAsync(Key(day), fence, rows.Schema, default);
        await stage.WriteAsync(rows, default);
        if (deadLetters > 0)
        {
            var lines = Enumerable.Range(0, deadLetters).Select(i => $$"""{"row":{{i}},"stage":"score","reason":"too \"odd\"","values":{"id":{{i}}},"model":"m@1","model_digest":"d"}""");
            await stage.AddFileAsync(FileKind.DeadLetters, "dead_letters.ndjson", System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"), deadLetters, default);
        }
        return new PartitionManifest(1, await stage.CompleteAsync(default), run, "f1", CommittedAt);
    }

    /// <summary>Stages and publishes.</summary>
    public async Task<PartitionManifest> PutAsync(string day, RecordBatch rows, long fence, int deadLetters = 0, BigQuerySink? sink = null, string run = "r1")
    {
        sink ??= Sink();
        var manifest = await StageAsync(sink, day, rows, fence, deadLetters, run);
        await sink.PublishAsync(manifest, default);
        return manifest;
    }

    /// <summary>What is in the table, in order, as <see cref="Expected"/> writes it.</summary>
    public List<string> Held(string table = "scores") =>
        [.. Fake.Look($"SELECT concat_ws('|', flight_date::VARCHAR, id, coalesce(name, 'NULL'), printf('%.3f', score), strftime(scored_at AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f'), run_id) FROM {Sql(table)} ORDER BY flight_date, id").Select(r => (string)r[0]!)];

    public List<string> DeadLetters(string table = "scores_dead_letters") => [.. Fake.Look($"SELECT concat_ws('|', flight_date::VARCHAR, row_number, stage, reason, row_values, model, run_id) FROM {Sql(table)} ORDER BY ALL").Select(r => (string)r[0]!)];

    public static string Sql(string table) => $"\"{BigQueryFixture.Project}.ml\".\"{table}\"";

    /// <summary>Uploads that BigQuery took.</summary>
    public int Uploads => Fake.Requests.Count(r => r.Path.StartsWith("/upload", StringComparison.Ordinal) && r.Status is 200 or 201);

    /// <summary>Tables of the dataset.</summary>
    public async Task<List<string>> TablesAsync()
    {
        var names = new List<string>();
        await foreach (var table in Client.Tables.ListAsync(bigQuery.Dataset)) names.Add(table.TableReference.TableId);
        return [.. names.Order(StringComparer.Ordinal)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sink in sinks) sink.Dispose();
        await bigQuery.DisposeAsync();
    }
}
