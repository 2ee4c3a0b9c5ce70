using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Npgsql;

namespace BatchMl.Catalog.Tests;

public sealed class PostgresCatalogTests : CatalogContract
{
    string address = "";

    public override async ValueTask InitializeAsync() => address = (await PostgresServer.SharedAsync()).Address();

    protected override ICatalog Connect() => new PostgresCatalog(address);

    async Task ExecuteAsync(string sql) => await ExecuteAsync(address, sql);

    internal static async Task ExecuteAsync(string address, string sql)
    {
        await using var connection = new NpgsqlConnection(PostgresAddress.Parse(address).ConnectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    string SchemaName => PostgresAddress.Parse(address).Schema;

    static RunRecord Run(string id) => new(id, "j", "run", "{}", RunState.Running, At, null, null, null, "h", null);

    [Fact]
    public async Task A_catalog_of_a_newer_version_is_refused()
    {
        await Open().RecentRunsAsync(1, default);
        await ExecuteAsync("UPDATE schema_version SET version = 99");
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains("version 99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_elses_schema_is_refused()
    {
        await ExecuteAsync($"CREATE SCHEMA {SchemaName}; CREATE TABLE {SchemaName}.customers (id INTEGER)");
        var error = await Assert.ThrowsAsync<DataException>(() => Open().RecentRunsAsync(1, default));
        Assert.Contains("customers", error.Message, StringComparison.Ordinal);
        Assert.Contains("?schema=", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_processes_that_begin_a_catalog_at_once_make_one()
    {
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i, Catalog: Open())).Select(c => Task.Run(() => c.Catalog.StartRunAsync(Run($"r{c.i}"), [], default))));
        Assert.Equal(6, (await Open().RecentRunsAsync(100, default)).Count);
    }

    [Fact]
    public async Task A_writer_is_waited_for_and_after_the_limit_the_error_is_transient()
    {
        await Open().RecentRunsAsync(1, default);
        await using var impatient = new PostgresCatalog(address, TimeSpan.FromMilliseconds(50));
        await using var other = new PostgresDatabase(PostgresAddress.Parse(address), TimeSpan.FromSeconds(30), Schema.Scripts);
        using var begun = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        var writing = Task.Run(() => other.WriteAsync(_ =>
        {
            begun.Set();
            end.Wait();
            return true;
        }, default), TestContext.Current.CancellationToken);
        begun.Wait(TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<BatchMlException>(() => impatient.MarkDeliveredAsync("f", 1, 1, default));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("busy", error.Message, StringComparison.Ordinal);
        Assert.Empty(await impatient.RecentRunsAsync(1, default));
        var patient = Task.Run(() => Open().MarkDeliveredAsync("f", 1, 1, default), TestContext.Current.CancellationToken);
        end.Set();
        await writing;
        await patient;
        Assert.Equal(1, await impatient.DeliveredLengthAsync("f", default));
    }

    [Fact]
    public async Task Texts_have_the_order_of_their_bytes_whatever_language_the_database_speaks()
    {
        var catalog = Open();
        await catalog.StartRunAsync(Run("r1"), [], default);
        foreach (var value in new[] { "b", "B", "a", "_", "ä" })
        {
            var line = new Lineage.LineageRun(value, "j", "r1", "j", "r1", "j", At, At.AddDays(1), "day");
            Assert.NotNull(await catalog.TryLeaseAsync(new NewAttempt(Key(value), "r1", value, "h", line, 15, 0), null, 0, [], At, default));
        }
        Assert.Equal(["B", "_", "a", "b", "ä"], (await catalog.LedgerAsync("folder", "flights/score", default)).Select(e => e.Key.Value));
    }

    [Fact]
    public async Task An_idle_connection_that_was_cut_is_replaced()
    {
        var catalog = Open();
        await catalog.StartRunAsync(Run("r1"), [], default);
        await ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%COMMIT%')");
        Assert.Equal("r1", Assert.Single(await catalog.RecentRunsAsync(10, default)).RunId);
        await catalog.StartRunAsync(Run("r2"), [], default);
    }

    [Fact]
    public async Task A_transaction_that_is_cut_in_its_middle_is_done_again_and_once()
    {
        await using var database = new PostgresDatabase(PostgresAddress.Parse(address), TimeSpan.FromSeconds(30), Schema.Scripts);
        var tries = 0;
        await database.WriteAsync(t =>
        {
            RunTable.Start(t, Run($"r{++tries}"));
            if (tries == 1) Cut(t);
            return true;
        }, default);
        Assert.Equal(2, tries);
        Assert.Equal(["r2"], (await Open().RecentRunsAsync(10, default)).Select(r => r.RunId));
    }

    void Cut(System.Data.IDbTransaction t) =>
        Task.Run(() => ExecuteAsync($"SELECT pg_terminate_backend({((NpgsqlConnection)t.Connection!).ProcessID}, 5000)")).GetAwaiter().GetResult();

    public static TheoryData<bool> BeforeOrAfter => [true, false];

    [Theory]
    [MemberData(nameof(BeforeOrAfter))]
    public async Task A_commit_whose_answer_is_lost_is_neither_done_twice_nor_forgotten(bool isCommitted)
    {
        // The connection goes through a wire that is cut when the commit is on its way, before or after the server has it.
        await using var wire = new CutWire(new Uri(address).Port, isCommitted);
        await Open().RecentRunsAsync(1, default);
        await using var catalog = new PostgresCatalog(address.Replace($":{new Uri(address).Port}/", $":{wire.Port}/", StringComparison.Ordinal));
        await catalog.StartRunAsync(Run("r0"), ["e0"], default);
        wire.CutNextCommit();
        await catalog.StartRunAsync(Run("r1"), ["e1"], default);
        Assert.True(wire.WasCut);
        await catalog.StartRunAsync(Run("r2"), ["e2"], default);
        Assert.Equal(["r2", "r1", "r0"], (await catalog.RecentRunsAsync(10, default)).Select(r => r.RunId));
        Assert.Equal(["e0", "e1", "e2"], (await catalog.PendingAsync(10, default)).Select(e => e.Json));
    }

    [Fact]
    public async Task What_can_not_be_reached_or_entered_says_what_to_do_and_never_the_password()
    {
        async Task<BatchMlException> FailsAsync(string at)
        {
            await using var catalog = new PostgresCatalog(at, TimeSpan.FromMilliseconds(200));
            var error = await Assert.ThrowsAnyAsync<BatchMlException>(() => catalog.RecentRunsAsync(1, default));
            Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
            return error;
        }
        var port = new Uri(address).Port;
        var missing = await FailsAsync($"postgres://postgres:s3cret@127.0.0.1:{port}/nowhere");
        Assert.Equal((FailureKind.Permanent, true), (missing.Kind, missing.Message.Contains("createdb", StringComparison.Ordinal)));
        var unknown = await FailsAsync($"postgres://nobody:s3cret@127.0.0.1:{port}/postgres");
        Assert.Equal((FailureKind.Permanent, true), (unknown.Kind, unknown.Message.Contains("nobody", StringComparison.Ordinal)));
        await ExecuteAsync("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        var barred = await FailsAsync($"postgres://guest:s3cret@127.0.0.1:{port}/postgres?schema=of_guest");
        Assert.Equal((FailureKind.Permanent, true), (barred.Kind, barred.Message.Contains("GRANT CREATE", StringComparison.Ordinal)));
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var dead = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        var away = await FailsAsync($"postgres://postgres:s3cret@127.0.0.1:{dead}/postgres");
        Assert.Equal((FailureKind.Transient, true), (away.Kind, away.Message.Contains($"127.0.0.1:{dead}/postgres", StringComparison.Ordinal)));
    }
}

public sealed class PostgresOperationsTests : OperationsContract
{
    string address = "";

    public override async ValueTask InitializeAsync() => address = (await PostgresServer.SharedAsync()).Address();

    protected override IOperations Connect() => new PostgresOperations(address);

    protected override ICatalog ConnectCatalog() => new PostgresCatalog(address);

    protected override Task ExecuteAsync(string sql) => PostgresCatalogTests.ExecuteAsync(address, sql);
}
