using System.Data;
using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>
/// How partitions stand, in a line each: what ledger and attempts say, kept apart from their JSON so that a hundred thousand are read at once. Changed in the transactions that change those, and each change counted.
/// </summary>
static class PartitionTable
{
    public static void Leased(IDbTransaction t, NewAttempt attempt) => Execute(
        t, attempt.Key,
        """
        INSERT INTO partition_status (sink, dataset, partition_column, partition_value, state, row_count, dead_letters, run_id) VALUES (@Sink, @Dataset, @Column, @Value, 'Running', 0, 0, @RunId)
        ON CONFLICT (sink, dataset, partition_column, partition_value) DO UPDATE SET state = excluded.state, run_id = excluded.run_id, error = NULL
        """, new { attempt.RunId });

    public static void Committed(IDbTransaction t, CommittedVersion version) => Change(
        t, version.Staged.Key, "state = 'Committed', row_count = @Rows, dead_letters = @DeadLetters, committed_at = @at", new { version.Staged.Rows, version.Staged.DeadLetters, at = Values.OfTime(version.CommittedAt) });

    // The next attempt may have begun before.
    public static void Published(IDbTransaction t, PartitionKey key) => Change(t, key, "state = CASE WHEN state = 'Committed' THEN 'Published' ELSE state END", null);

    public static void Failed(IDbTransaction t, PartitionKey key, string? error) => Change(t, key, "state = 'Failed', error = @error", new { error = Values.OfText(error) });

    /// <summary>A number that is another one after every change.</summary>
    public static long Changes(IDbTransaction t) => Rows.Value<long>(t, "SELECT number FROM partition_change");

    public static IReadOnlyList<PartitionStatus> All(IDbTransaction t, string? dataset) => Rows.Read<Row, PartitionStatus>(
        t,
        $"""
        SELECT sink AS Sink, dataset AS Dataset, partition_column AS PartitionColumn, partition_value AS PartitionValue, state AS State, row_count AS RowCount, dead_letters AS DeadLetters, committed_at AS CommittedAt,
            run_id AS RunId, error AS Error
        FROM partition_status {(dataset is null ? "" : "WHERE dataset = @dataset")} ORDER BY sink, dataset, partition_column, partition_value
        """, new { dataset }, r => r.Record());

    static void Change(IDbTransaction t, PartitionKey key, string set, object? values) => Execute(t, key, $"UPDATE partition_status SET {set} WHERE {LedgerTable.ByKey}", values);

    static void Execute(IDbTransaction t, PartitionKey key, string sql, object? values)
    {
        var parameters = new DynamicParameters(values);
        parameters.AddDynamicParams(key);
        t.Connection!.Execute($"{sql}; UPDATE partition_change SET number = number + 1", parameters, t);
    }

    sealed class Row
    {
        public string Sink { get; init; } = "";
        public string Dataset { get; init; } = "";
        public string PartitionColumn { get; init; } = "";
        public string PartitionValue { get; init; } = "";
        public string State { get; init; } = "";
        public long RowCount { get; init; }
        public long DeadLetters { get; init; }
        public string? CommittedAt { get; init; }
        public string RunId { get; init; } = "";
        public string? Error { get; init; }

        public PartitionStatus Record() =>
            new(new PartitionKey(Sink, Dataset, PartitionColumn, PartitionValue), Enum.Parse<PartitionState>(State), RowCount, DeadLetters, Values.TimeOrNull(CommittedAt), RunId, Error);
    }
}
