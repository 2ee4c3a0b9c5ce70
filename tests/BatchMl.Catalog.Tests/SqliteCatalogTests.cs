using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.Data.Sqlite;

namespace BatchMl.Catalog.Tests;

public sealed class SqliteCatalogTests : CatalogContract
{
    readonly TestFolder folder = new();

    string File => Path.Combine(folder.Path, "deep", "catalog.db");

    protected override ICatalog Connect() => new SqliteCatalog(File);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }

    SqliteConnection Raw()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        var raw = new SqliteConnection($"Data Source={File};Pooling=False");
        raw.Open();
        return raw;
    }

    static void Run(SqliteConnection raw, string sql)
    {
        using var command = raw.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    [Fact]
    public async Task A_catalog_of_a_newer_version_is_refused_and_left_as_it_is()
    {
        using (var raw = Raw()) Run(raw, "CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (99)");
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains("version 99", error.Message, StringComparison.Ordinal);
        Assert.Contains($"versions up to {Schema.Scripts.Count}", error.Message, StringComparison.Ordinal);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
        using var after = Raw();
        using var tables = after.CreateCommand();
        tables.CommandText = "SELECT COUNT(*) FROM sqlite_master";
        Assert.Equal(1L, tables.ExecuteScalar());
    }

    [Fact]
    public async Task An_older_catalog_is_brought_to_the_newest_version_with_what_it_has()
    {
        await using (var catalog = new SqliteCatalog(File)) await catalog.StartRunAsync(new RunRecord("r1", "j", "run", "{}", RunState.Running, At, null, null, null, "h", null), [], default);
        await using var newer = new SqliteFile(File, TimeSpan.FromSeconds(5), [.. Schema.Scripts, "ALTER TABLE run ADD COLUMN note TEXT; UPDATE run SET note = job || '!'"]);
        Assert.Equal("j!", await newer.ReadAsync(t =>
        {
            using var command = t.Connection!.CreateCommand();
            (command.Transaction, command.CommandText) = (t, "SELECT note FROM run");
            return (string)command.ExecuteScalar()!;
        }, default));
        var refused = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains($"version {Schema.Scripts.Count + 1}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Partitions_of_a_catalog_from_before_there_was_a_server_are_listed_as_they_stand()
    {
        await using (var older = new SqliteFile(File, TimeSpan.FromSeconds(5), [.. Schema.Scripts.Take(2)])) await older.ReadAsync(Schema.VersionOf, default);
        using (var raw = Raw())
        {
            Run(raw, "INSERT INTO run (run_id, sequence, job, verb, arguments, state, started_at, holder) VALUES ('r1', 1, 'j', 'run', '{}', 'Running', '2024-01-01T00:00:00.0000000Z', 'h')");
            void Partition(int day, long? lease, long committed, long published, params (string State, string? Error)[] attempts)
            {
                Run(raw, $"INSERT INTO ledger (sink, dataset, partition_column, partition_value, fence, lease_fence, heartbeat, committed_fence, published_fence) VALUES ('p', 'd', 'day', '{day}', {attempts.Length}, {lease?.ToString() ?? "NULL"}, 0, {committed}, {published})");
                for (var fence = 1; fence <= attempts.Length; fence++)
                {
                    var (state, error) = attempts[fence - 1];
                    Run(raw, $"INSERT INTO attempt (sink, dataset, partition_column, partition_value, fence, run_id, attempt_id, holder, lineage, ttl, state, row_count, dead_letters, started_at, finished_at, error) VALUES ('p', 'd', 'day', '{day}', {fence}, 'r1', 'a{day}-{fence}', 'h', '', 15, '{state}', {day * 100 + fence}, {fence}, '2024-01-01T00:00:00.0000000Z', '2024-01-0{fence}T00:00:00.0000000Z', {(error is null ? "NULL" : $"'{error}'")})");
                }
            }
            Partition(1, null, 1, 1, ("Published", null));
            Partition(2, null, 2, 1, ("Published", null), ("Committed", null));
            Partition(3, null, 1, 1, ("Published", null), ("Aborted", "gone"));
            Partition(4, 1, 0, 0, ("Staged", null));
        }
        await using var operations = new SqliteOperations(File);
        var day = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        PartitionStatus Status(int value, PartitionState state, long rows, long letters, DateTimeOffset? at, string? error = null) => new(new PartitionKey("p", "d", "day", $"{value}"), state, rows, letters, at, "r1", error);
        Assert.Equal(
            [
                Status(1, PartitionState.Published, 101, 1, day), Status(2, PartitionState.Committed, 202, 2, day.AddDays(1)), Status(3, PartitionState.Failed, 301, 1, day, "gone"),
                Status(4, PartitionState.Running, 0, 0, null),
            ], await operations.PartitionsAsync("d", default));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_by_name()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await System.IO.File.WriteAllTextAsync(File, new string('x', 200), TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_corrupt_page_is_a_data_error()
    {
        await using (var catalog = new SqliteCatalog(File))
        {
            for (var i = 0; i < 50; i++) await catalog.StartRunAsync(new RunRecord($"r{i}", new string('j', 500), "run", "{}", RunState.Running, At, null, null, null, "h", null), [], default);
        }
        var bytes = await System.IO.File.ReadAllBytesAsync(File, TestContext.Current.CancellationToken);
        bytes.AsSpan(4096).Fill(0xA5);
        await System.IO.File.WriteAllBytesAsync(File, bytes, TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(100, default));
        Assert.Contains("corrupt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_elses_database_is_refused()
    {
        using (var raw = Raw()) Run(raw, "CREATE TABLE customers (id INTEGER)");
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains("customers", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_writer_is_waited_for_and_after_the_limit_the_error_is_transient()
    {
        await Open().RecentRunsAsync(1, default);
        using var raw = Raw();
        Run(raw, "BEGIN IMMEDIATE");
        await using var impatient = new SqliteCatalog(File, TimeSpan.FromMilliseconds(50));
        var error = await Assert.ThrowsAsync<BatchMlException>(() => impatient.MarkDeliveredAsync("f", 1, 1, default));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Empty(await impatient.RecentRunsAsync(1, default));
        var patient = Task.Run(() => Open().MarkDeliveredAsync("f", 1, 1, default), TestContext.Current.CancellationToken);
        Run(raw, "COMMIT");
        await patient;
        Assert.Equal(1, await impatient.DeliveredLengthAsync("f", default));
    }

    [Fact]
    public async Task Many_processes_that_begin_a_catalog_at_once_make_one()
    {
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i, Catalog: Open())).Select(c => Task.Run(() =>
            c.Catalog.StartRunAsync(new RunRecord($"r{c.i}", "j", "run", "{}", RunState.Running, At, null, null, null, "h", null), [], default))));
        Assert.Equal(6, (await Open().RecentRunsAsync(100, default)).Count);
    }

    [Fact]
    public async Task A_place_that_can_not_be_written_is_named()
    {
        await System.IO.File.WriteAllTextAsync(Path.Combine(folder.Path, "deep"), "a file where a folder should be", TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<BatchMlException>(() => Open().RecentRunsAsync(1, default));
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }
}
