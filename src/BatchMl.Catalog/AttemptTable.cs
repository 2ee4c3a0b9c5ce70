using System.Data;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Attempts, by partition and fence. Their states move forward only: every change names the states that it may come from.</summary>
static class AttemptTable
{
    const string Select = """
        SELECT sink AS Sink, dataset AS Dataset, partition_column AS PartitionColumn, partition_value AS PartitionValue, fence AS Fence, run_id AS RunId, attempt_id AS AttemptId, holder AS Holder,
            lineage AS Lineage, state AS State, row_count AS RowCount, dead_letters AS DeadLetters, started_at AS StartedAt, finished_at AS FinishedAt, error AS Error
        FROM attempt
        """;

    public static void Add(IDbTransaction t, NewAttempt attempt, long fence, DateTimeOffset at) => t.Connection!.Execute(
        """
        INSERT INTO attempt (sink, dataset, partition_column, partition_value, fence, run_id, attempt_id, holder, lineage, ttl, state, row_count, dead_letters, started_at)
        VALUES (@Sink, @Dataset, @Column, @Value, @fence, @RunId, @AttemptId, @Holder, @lineage, @TtlSeconds, 'Leased', 0, 0, @at)
        """, new
        {
            attempt.Key.Sink, attempt.Key.Dataset, attempt.Key.Column, attempt.Key.Value, fence, attempt.RunId, attempt.AttemptId, attempt.Holder, lineage = Values.OfObject(attempt.Lineage),
            attempt.TtlSeconds, at = Values.OfTime(at),
        }, t);

    public static bool Stage(IDbTransaction t, Lease lease, StagedPartition staged) => Change(
        t, lease.Key, lease.Fence, "state = 'Staged', row_count = @Rows, dead_letters = @DeadLetters", "'Leased'", new { staged.Rows, staged.DeadLetters });

    public static bool Commit(IDbTransaction t, Lease lease, DateTimeOffset at) => Change(
        t, lease.Key, lease.Fence, "state = 'Committed', finished_at = @at", "'Staged'", new { at = Values.OfTime(at) });

    public static bool Publish(IDbTransaction t, PartitionKey key, long fence, DateTimeOffset at) => Change(
        t, key, fence, "state = 'Published', finished_at = @at", "'Committed'", new { at = Values.OfTime(at) });

    /// <summary>Ends an open attempt as failed or aborted.</summary>
    public static bool End(IDbTransaction t, PartitionKey key, long fence, AttemptState state, string? error, DateTimeOffset at) => Change(
        t, key, fence, "state = @state, error = @error, finished_at = @at", "'Leased', 'Staged'", new { state = state.ToString(), error = Values.OfText(error), at = Values.OfTime(at) });

    public static IReadOnlyList<AttemptRecord> OfRun(IDbTransaction t, string runId) => Query(t, "WHERE run_id = @runId", new { runId });

    public static IReadOnlyList<AttemptRecord> Open(IDbTransaction t) => Query(t, "WHERE state IN ('Leased', 'Staged')", null);

    static bool Change(IDbTransaction t, PartitionKey key, long fence, string set, string from, object values)
    {
        var parameters = new DynamicParameters(values);
        parameters.AddDynamicParams(key);
        parameters.Add("fence", fence);
        return t.Connection!.Execute($"UPDATE attempt SET {set} WHERE {LedgerTable.ByKey} AND fence = @fence AND state IN ({from})", parameters, t) == 1;
    }

    static List<AttemptRecord> Query(IDbTransaction t, string where, object? parameters) =>
        Rows.Read<Row, AttemptRecord>(t, $"{Select} {where} ORDER BY started_at, sink, dataset, partition_column, partition_value, fence", parameters, r => r.Record());

    sealed class Row
    {
        public string Sink { get; init; } = "";
        public string Dataset { get; init; } = "";
        public string PartitionColumn { get; init; } = "";
        public string PartitionValue { get; init; } = "";
        public long Fence { get; init; }
        public string RunId { get; init; } = "";
        public string AttemptId { get; init; } = "";
        public string Holder { get; init; } = "";
        public string Lineage { get; init; } = "";
        public string State { get; init; } = "";
        public long RowCount { get; init; }
        public long DeadLetters { get; init; }
        public string StartedAt { get; init; } = "";
        public string? FinishedAt { get; init; }
        public string? Error { get; init; }

        public AttemptRecord Record() => new(
            new PartitionKey(Sink, Dataset, PartitionColumn, PartitionValue), Fence, RunId, AttemptId, Holder, Values.Lineage(Lineage), Enum.Parse<AttemptState>(State), RowCount, DeadLetters,
            Values.Time(StartedAt), Values.TimeOrNull(FinishedAt), Error);
    }
}
