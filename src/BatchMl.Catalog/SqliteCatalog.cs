using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchMl.Data;
using BatchMl.Runs;
using Dapper;
using Microsoft.Data.Sqlite;

namespace BatchMl.Catalog;

/// <summary>
/// The catalog in one SQLite file (WAL, synchronous FULL), made when first used. Every method is one immediate transaction; a busy file is waited for.
/// </summary>
/// <param name="path">The file.</param>
public sealed class SqliteCatalog(string path) : ICatalog
{
    const int BusySeconds = 30;
    static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    readonly SemaphoreSlim gate = new(1, 1);
    SqliteConnection? connection;

    /// <inheritdoc/>
    public Task StartRunAsync(RunRecord run, CancellationToken cancel) => WithinAsync(t => t.Execute(
        """
        INSERT INTO run (run_id, sequence, job, verb, arguments, state, started_at, finished_at, error, summary, holder, parent_run_id)
        VALUES (@RunId, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM run), @Job, @Verb, @ArgumentsJson, @State, @StartedAt, NULL, NULL, NULL, @Holder, @ParentRunId)
        """,
        new { run.RunId, run.Job, run.Verb, run.ArgumentsJson, State = run.State.ToString(), StartedAt = Text(run.StartedAt), run.Holder, run.ParentRunId }), cancel);

    /// <inheritdoc/>
    public Task FinishRunAsync(string runId, RunState state, string? error, string? summaryJson, DateTimeOffset at, CancellationToken cancel) => WithinAsync(t => t.Execute(
        "UPDATE run SET state = @state, error = @error, summary = @summaryJson, finished_at = @at WHERE run_id = @runId AND state = 'Running'",
        new { runId, state = state.ToString(), error, summaryJson, at = Text(at) }), cancel);

    /// <inheritdoc/>
    public Task<RunRecord?> FindRunAsync(string? runId, CancellationToken cancel) => WithinAsync(t =>
    {
        if (runId is null) return t.Rows<RunRow>("SELECT * FROM run ORDER BY sequence DESC LIMIT 1", null).FirstOrDefault()?.Record();
        var found = t.Rows<RunRow>("SELECT * FROM run WHERE SUBSTR(run_id, 1, @length) = @runId ORDER BY sequence", new { runId, length = runId.Length });
        return found.Count > 1 && found.All(r => r.run_id != runId)
            ? throw new DefinitionException($"'{runId}' begins the ids of {found.Count} runs: {string.Join(", ", found.Take(5).Select(r => r.run_id))}. Give more of it.")
            : (found.FirstOrDefault(r => r.run_id == runId) ?? found.FirstOrDefault())?.Record();
    }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> RecentRunsAsync(int count, CancellationToken cancel) => WithinAsync<IReadOnlyList<RunRecord>>(
        t => [.. t.Rows<RunRow>("SELECT * FROM run ORDER BY sequence DESC LIMIT @count", new { count }).Select(r => r.Record())], cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<AttemptRecord>> AttemptsAsync(string runId, CancellationToken cancel) => WithinAsync<IReadOnlyList<AttemptRecord>>(
        t => [.. t.Rows<AttemptRow>("SELECT * FROM attempt WHERE run_id = @runId ORDER BY started_at, dataset, partition_value", new { runId }).Select(r => r.Record())], cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> LedgerAsync(string sink, string dataset, CancellationToken cancel) => WithinAsync<IReadOnlyList<LedgerEntry>>(
        t => [.. t.Rows<LedgerRow>("SELECT * FROM ledger WHERE sink = @sink AND dataset = @dataset ORDER BY partition_value", new { sink, dataset }).Select(r => r.Entry())], cancel);

    /// <inheritdoc/>
    public Task<LedgerEntry?> EntryAsync(PartitionKey key, CancellationToken cancel) => WithinAsync(t => Entry(t, key), cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> UnpublishedAsync(CancellationToken cancel) => WithinAsync<IReadOnlyList<LedgerEntry>>(
        t => [.. t.Rows<LedgerRow>("SELECT * FROM ledger WHERE committed_fence > 0 AND published = 0 ORDER BY sink, dataset, partition_value", null).Select(r => r.Entry())], cancel);

    /// <inheritdoc/>
    public Task<Lease?> TryLeaseAsync(
        PartitionKey key, string runId, string attemptId, string holder, double ttlSeconds, LeaseInfo? expired, long seenCommittedFence, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) => WithinAsync(t =>
    {
        var entry = Entry(t, key);
        if ((entry?.Committed?.Staged.Fence ?? 0) != seenCommittedFence) return null;
        // Held by exactly what the caller saw expire, heartbeat and all, or by nobody.
        if (entry?.Lease != expired) return null;
        if (entry is null)
        {
            t.Execute("INSERT INTO ledger (sink, dataset, partition_column, partition_value, fence, committed_fence, published) VALUES (@Sink, @Dataset, @Column, @Value, 0, 0, 1)", key);
        }
        if (expired is not null) End(t, key, expired.Fence, AttemptState.Aborted, "its process ended, or stopped for longer than its lease", at);
        var fence = (entry?.Fence ?? 0) + 1;
        t.Execute(
            $"UPDATE ledger SET fence = @fence, lease_run_id = @runId, lease_attempt_id = @attemptId, lease_holder = @holder, lease_heartbeat = 0, lease_ttl = @ttlSeconds WHERE {ByKey}",
            With(key, new { fence, runId, attemptId, holder, ttlSeconds }));
        t.Execute(
            """
            INSERT INTO attempt (sink, dataset, partition_column, partition_value, fence, run_id, attempt_id, state, rows, dead_letters, started_at)
            VALUES (@Sink, @Dataset, @Column, @Value, @fence, @runId, @attemptId, 'Leased', 0, 0, @at)
            """, With(key, new { fence, runId, attemptId, at = Text(at) }));
        Enqueue(t, events);
        return new Lease(key, fence, runId, attemptId);
    }, cancel);

    /// <inheritdoc/>
    public Task<bool> HeartbeatAsync(IReadOnlyList<Lease> leases, CancellationToken cancel) => WithinAsync(t => leases.Count(l => t.Execute(
        $"UPDATE ledger SET lease_heartbeat = lease_heartbeat + 1 WHERE {ByKey} AND fence = @Fence AND lease_attempt_id = @AttemptId",
        With(l.Key, new { l.Fence, l.AttemptId })) == 1) == leases.Count, cancel);

    /// <inheritdoc/>
    public Task<bool> StageAsync(Lease lease, StagedPartition staged, CancellationToken cancel) => WithinAsync(t =>
        Holds(t, lease) && t.Execute(
            $"UPDATE attempt SET state = 'Staged', rows = @Rows, dead_letters = @DeadLetters WHERE {ByKey} AND fence = @Fence AND state = 'Leased'",
            With(lease.Key, new { lease.Fence, staged.Rows, staged.DeadLetters })) == 1, cancel);

    /// <inheritdoc/>
    public Task<bool> CommitAsync(Lease lease, CommittedVersion version, IReadOnlyList<string> events, CancellationToken cancel) => WithinAsync(t =>
    {
        if (!Holds(t, lease)) return false;
        t.Execute(
            $"""
            UPDATE ledger SET committed_fence = @Fence, committed = @committed, published = 0, lease_run_id = NULL, lease_attempt_id = NULL, lease_holder = NULL, lease_heartbeat = NULL, lease_ttl = NULL
            WHERE {ByKey} AND fence = @Fence
            """, With(lease.Key, new { lease.Fence, committed = JsonSerializer.Serialize(version, Json) }));
        t.Execute(
            $"UPDATE attempt SET state = 'Committed', finished_at = @at, rows = @Rows, dead_letters = @DeadLetters WHERE {ByKey} AND fence = @Fence AND state IN ('Leased', 'Staged')",
            With(lease.Key, new { lease.Fence, at = Text(version.CommittedAt), version.Staged.Rows, version.Staged.DeadLetters }));
        Enqueue(t, events);
        return true;
    }, cancel);

    /// <inheritdoc/>
    public Task MarkPublishedAsync(PartitionKey key, long fence, DateTimeOffset at, CancellationToken cancel) => WithinAsync(t =>
    {
        t.Execute($"UPDATE ledger SET published = 1 WHERE {ByKey} AND committed_fence = @fence", With(key, new { fence }));
        return t.Execute($"UPDATE attempt SET state = 'Published', finished_at = @at WHERE {ByKey} AND fence = @fence AND state = 'Committed'", With(key, new { fence, at = Text(at) }));
    }, cancel);

    /// <inheritdoc/>
    public Task ReleaseAsync(Lease lease, AttemptState state, string? error, IReadOnlyList<string> events, DateTimeOffset at, CancellationToken cancel) => WithinAsync(t =>
    {
        if (!Holds(t, lease)) return 0;
        t.Execute($"UPDATE ledger SET lease_run_id = NULL, lease_attempt_id = NULL, lease_holder = NULL, lease_heartbeat = NULL, lease_ttl = NULL WHERE {ByKey}", lease.Key);
        End(t, lease.Key, lease.Fence, state, error, at);
        Enqueue(t, events);
        return 1;
    }, cancel);

    /// <inheritdoc/>
    public Task EnqueueAsync(IReadOnlyList<string> events, CancellationToken cancel) => WithinAsync(t =>
    {
        Enqueue(t, events);
        return 0;
    }, cancel);

    /// <inheritdoc/>
    public Task<(IReadOnlyList<OutboxEvent> Events, long Offset)> PendingAsync(string file, CancellationToken cancel) => WithinAsync<(IReadOnlyList<OutboxEvent>, long)>(t =>
    {
        // What was delivered to any file is not due again: files follow each other by month.
        var last = t.Rows<long?>("SELECT MAX(last_id) FROM delivery", null).FirstOrDefault() ?? 0;
        var offset = t.Rows<long?>("SELECT length FROM delivery WHERE file = @file", new { file }).FirstOrDefault() ?? 0;
        return ([.. t.Rows<OutboxRow>("SELECT id, event FROM outbox WHERE id > @last ORDER BY id", new { last }).Select(r => new OutboxEvent(r.id, r.@event))], offset);
    }, cancel);

    /// <inheritdoc/>
    public Task MarkDeliveredAsync(string file, long lastId, long offset, CancellationToken cancel) => WithinAsync(t => t.Execute(
        """
        INSERT INTO delivery (file, last_id, length) VALUES (@file, @lastId, @offset)
        ON CONFLICT (file) DO UPDATE SET last_id = excluded.last_id, length = excluded.length
        """, new { file, lastId, offset }), cancel);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (connection is not null) await connection.DisposeAsync();
        gate.Dispose();
    }

    const string ByKey = "sink = @Sink AND dataset = @Dataset AND partition_column = @Column AND partition_value = @Value";

    static DynamicParameters With(PartitionKey key, object more)
    {
        var parameters = new DynamicParameters(more);
        parameters.AddDynamicParams(key);
        return parameters;
    }

    static LedgerEntry? Entry(Work t, PartitionKey key) => t.Rows<LedgerRow>($"SELECT * FROM ledger WHERE {ByKey}", key).FirstOrDefault()?.Entry();

    static bool Holds(Work t, Lease lease) => Entry(t, lease.Key)?.Lease is { } held && held.Fence == lease.Fence && held.AttemptId == lease.AttemptId;

    static void End(Work t, PartitionKey key, long fence, AttemptState state, string? error, DateTimeOffset at) => t.Execute(
        $"UPDATE attempt SET state = @state, error = @error, finished_at = @at WHERE {ByKey} AND fence = @fence AND state IN ('Planned', 'Leased', 'Staged')",
        With(key, new { state = state.ToString(), error, fence, at = Text(at) }));

    static void Enqueue(Work t, IReadOnlyList<string> events)
    {
        foreach (var json in events) t.Execute("INSERT INTO outbox (id, event) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM outbox), @json)", new { json });
    }

    static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    async Task<T> WithinAsync<T>(Func<Work, T> work, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            connection ??= Open();
            using var transaction = connection.BeginTransaction(deferred: false);
            var result = work(new Work(connection, transaction));
            transaction.Commit();
            return result;
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 5 or 6)
        {
            throw new BatchMlException($"The catalog {path} was busy for {BusySeconds} s: another process holds it. Wait for it to end, or look for one that hangs.", FailureKind.Transient, e);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            throw new DataException($"{path} is not a SQLite catalog, or is corrupt: {e.Message} Restore it from a backup, or move it away to begin anew (published partitions stay; they will be made again).", e);
        }
        catch (SqliteException e)
        {
            throw new BatchMlException($"The catalog {path} failed: {e.Message}", FailureKind.Transient, e);
        }
        finally
        {
            gate.Release();
        }
    }

    SqliteConnection Open()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"The workspace of {path} can not be made: {e.Message} Choose a writable folder with --workspace.", FailureKind.Permanent, e);
        }
        var opened = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = BusySeconds, Pooling = false }.ConnectionString);
        try
        {
            opened.Open();
            opened.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
            Migrate(opened);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    void Migrate(SqliteConnection opened)
    {
        using var transaction = opened.BeginTransaction(deferred: false);
        opened.Execute(Schema.Create, transaction: transaction);
        var version = opened.QuerySingleOrDefault<int?>("SELECT MAX(version) FROM schema_version", transaction: transaction);
        if (version is null) opened.Execute("INSERT INTO schema_version (version) VALUES (@Version)", new { Schema.Version }, transaction);
        else if (version > Schema.Version)
        {
            throw new DataException($"{path} is a catalog of version {version}; this BatchMl knows versions up to {Schema.Version}. Use the BatchMl that made it, or another workspace.");
        }
        transaction.Commit();
    }

    readonly struct Work(SqliteConnection connection, SqliteTransaction transaction)
    {
        public int Execute(string sql, object? parameters) => connection.Execute(sql, parameters, transaction);

        public IReadOnlyList<T> Rows<T>(string sql, object? parameters) => connection.Query<T>(sql, parameters, transaction).AsList();
    }

    // Rows as the tables have them; Dapper fills properties by column name.
#pragma warning disable IDE1006
    sealed class RunRow
    {
        public string run_id { get; set; } = "";
        public string job { get; set; } = "";
        public string verb { get; set; } = "";
        public string arguments { get; set; } = "";
        public string state { get; set; } = "";
        public string started_at { get; set; } = "";
        public string? finished_at { get; set; }
        public string? error { get; set; }
        public string? summary { get; set; }
        public string holder { get; set; } = "";
        public string? parent_run_id { get; set; }

        public RunRecord Record() => new(
            run_id, job, verb, arguments, Enum.Parse<RunState>(state), Time(started_at), finished_at is null ? null : Time(finished_at), error, summary, holder, parent_run_id);
    }

    sealed class AttemptRow
    {
        public string sink { get; set; } = "";
        public string dataset { get; set; } = "";
        public string partition_column { get; set; } = "";
        public string partition_value { get; set; } = "";
        public long fence { get; set; }
        public string run_id { get; set; } = "";
        public string attempt_id { get; set; } = "";
        public string state { get; set; } = "";
        public long rows { get; set; }
        public long dead_letters { get; set; }
        public string started_at { get; set; } = "";
        public string? finished_at { get; set; }
        public string? error { get; set; }

        public AttemptRecord Record() => new(
            new PartitionKey(sink, dataset, partition_column, partition_value), fence, run_id, attempt_id, Enum.Parse<AttemptState>(state), rows, dead_letters, Time(started_at),
            finished_at is null ? null : Time(finished_at), error);
    }

    sealed class LedgerRow
    {
        public string sink { get; set; } = "";
        public string dataset { get; set; } = "";
        public string partition_column { get; set; } = "";
        public string partition_value { get; set; } = "";
        public long fence { get; set; }
        public string? lease_run_id { get; set; }
        public string? lease_attempt_id { get; set; }
        public string? lease_holder { get; set; }
        public long? lease_heartbeat { get; set; }
        public double? lease_ttl { get; set; }
        public string? committed { get; set; }
        public long published { get; set; }

        public LedgerEntry Entry() => new(
            new PartitionKey(sink, dataset, partition_column, partition_value), fence,
            lease_run_id is null ? null : new LeaseInfo(fence, lease_run_id, lease_attempt_id!, lease_holder!, lease_heartbeat!.Value, lease_ttl!.Value),
            committed is null ? null : JsonSerializer.Deserialize<CommittedVersion>(committed, Json), published != 0);
    }

    sealed class OutboxRow
    {
        public long id { get; set; }
        public string @event { get; set; } = "";
    }
#pragma warning restore IDE1006
}
