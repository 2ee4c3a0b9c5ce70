using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using BatchMl.TestSupport;

namespace BatchMl.BigQuery.Tests;

/// <summary>The stand-in, a client of it, and a dataset, for one test.</summary>
sealed class BigQueryFixture : IAsyncDisposable
{
    public const string Project = "test-project";

    readonly TestFolder folder = new();
    readonly IDisposable? beside;

    BigQueryFixture(FakeBigQuery fake, BigQueryClient client, QuickTime time, IDisposable? beside) => (Fake, Client, Time, this.beside) = (fake, client, time, beside);

    public FakeBigQuery Fake { get; }

    public BigQueryClient Client { get; }

    public QuickTime Time { get; }

    public DatasetReference Dataset { get; } = new(Project, "ml");

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts all of it.</summary>
    /// <param name="fakeOptions">The stand-in's.</param>
    /// <param name="options">Changes the client's.</param>
    /// <param name="location">The dataset's; null: none is made.</param>
    /// <param name="before">Done between stand-in and client.</param>
    /// <param name="beside">Ended with all of it.</param>
    public static async Task<BigQueryFixture> StartAsync(FakeBigQueryOptions? fakeOptions = null, Func<BigQueryClientOptions, BigQueryClientOptions>? options = null, string? location = "EU", Action<FakeBigQuery>? before = null, IDisposable? beside = null)
    {
        var time = new QuickTime();
        // Both go by the same clock, so that what the stand-in limits by time passes when the client waits.
        var fake = await FakeBigQuery.StartAsync((fakeOptions ?? new()) is var given && given.Time == TimeProvider.System ? given with { Time = time } : given);
        before?.Invoke(fake);
        var client = await BigQueryClient.OpenAsync((options ?? (o => o))(Options(fake, time)), Cancellation);
        var fixture = new BigQueryFixture(fake, client, time, beside);
        if (location is not null) await client.Datasets.InsertAsync(new() { DatasetReference = fixture.Dataset, Location = location }, Cancellation);
        return fixture;
    }

    /// <summary>A client's options for the stand-in.</summary>
    public static BigQueryClientOptions Options(FakeBigQuery fake, TimeProvider? time = null) => new()
    {
        Project = Project, Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None, Time = time ?? TimeProvider.System, Seed = 1, ChunkSize = 256 << 10,
    };

    /// <summary>A file of its own.</summary>
    public string At(string name) => folder.At(name);

    /// <summary>Writes the rows of a query of DuckDB.</summary>
    public string Parquet(string query, string? name = null) => Tests.Parquet.Write(At(name ?? $"{Guid.NewGuid():N}.parquet"), query);

    /// <summary>Days from 2026-10-01 on, with a thousand rows each.</summary>
    public string Days(int days, int rows = 1000, int from = 0) =>
        Parquet($"SELECT DATE '2026-10-01' + ({from} + i // {rows})::INT AS day, i AS id, 'name ' || i AS name, i / 4 AS score FROM range({days * rows}) t(i)");

    public static BigQuerySchema DaySchema { get; } = new([Column("day", "DATE"), Column("id", "INTEGER"), Column("name", "STRING"), Column("score", "FLOAT")]);

    public static BigQueryField Column(string name, string type, string? mode = null) => new() { Name = name, Type = type, Mode = mode };

    /// <summary>A table of days, partitioned by them.</summary>
    public async Task<TableReference> TableAsync(string name = "scores") =>
        (await Client.Tables.InsertAsync(new() { TableReference = Dataset.Table(name), Schema = DaySchema, TimePartitioning = new() { Type = "DAY", Field = "day" } }, Cancellation)).TableReference;

    public static JobConfiguration Load(TableReference table, string write = WriteDisposition.Append, BigQuerySchema? schema = null) =>
        new() { Load = new() { DestinationTable = table, WriteDisposition = write, Schema = schema ?? DaySchema, ParquetOptions = new() } };

    /// <summary>Rows in the stand-in.</summary>
    public long Count(TableReference table, string where = "TRUE") => (long)Fake.Look($"SELECT count(*) FROM \"{table.ProjectId}.{table.DatasetId}\".\"{table.TableId}\" WHERE {where}")[0][0]!;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Fake.DisposeAsync();
        folder.Dispose();
        beside?.Dispose();
    }
}
