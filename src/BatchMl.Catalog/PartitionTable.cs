using System.Data;
using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Catalog;

/// <summary>The ledger with its attempts, read lightly: no row's JSON is looked at.</summary>
static class PartitionTable
{
    // The latest attempt is mostly the committed one, so it is looked up only where it is not.
    const string Select = """
        SELECT l.sink AS Sink, l.dataset AS Dataset, l.partition_column AS PartitionColumn, l.partition_value AS PartitionValue, l.lease_fence AS LeaseFence, l.published_fence - l.committed_fence AS Published,
            COALESCE(c.row_count, 0) AS RowCount, COALESCE(c.dead_letters, 0) AS DeadLetters, c.committed_at AS CommittedAt, c.run_id AS CommittedRunId, a.state AS State, a.run_id AS RunId, a.error AS Error
        FROM ledger l
            LEFT JOIN attempt c ON c.sink = l.sink AND c.dataset = l.dataset AND c.partition_column = l.partition_column AND c.partition_value = l.partition_value AND c.fence = l.committed_fence
            LEFT JOIN attempt a ON a.sink = l.sink AND a.dataset = l.dataset AND a.partition_column = l.partition_column AND a.partition_value = l.partition_value AND a.fence = l.fence AND l.fence <> l.committed_fence
        """;

    public static IReadOnlyList<PartitionStatus> All(IDbTransaction t, string? dataset) => Rows.Read<Row, PartitionStatus>(
        t, $"{Select} {(dataset is null ? "" : "WHERE l.dataset = @dataset")} ORDER BY l.sink, l.dataset, l.partition_column, l.partition_value", new { dataset }, r => r.Record());

    sealed class Row
    {
        public string Sink { get; init; } = "";
        public string Dataset { get; init; } = "";
        public string PartitionColumn { get; init; } = "";
        public string PartitionValue { get; init; } = "";
        public long? LeaseFence { get; init; }
        public long Published { get; init; }
        public long RowCount { get; init; }
        public long DeadLetters { get; init; }
        public string? CommittedAt { get; init; }
        public string? CommittedRunId { get; init; }
        public string? State { get; init; }
        public string? RunId { get; init; }
        public string? Error { get; init; }

        public PartitionStatus Record() => new(
            new PartitionKey(Sink, Dataset, PartitionColumn, PartitionValue),
            LeaseFence is not null ? PartitionState.Running : State is not null ? PartitionState.Failed : Published == 0 ? PartitionState.Published : PartitionState.Committed,
            RowCount, DeadLetters, Values.TimeOrNull(CommittedAt), RunId ?? CommittedRunId ?? "", Error);
    }
}
