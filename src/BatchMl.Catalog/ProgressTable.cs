using System.Data;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>How far runs are, while they run.</summary>
static class ProgressTable
{
    public static void Report(IDbTransaction t, RunProgress progress) => t.Connection!.Execute(
        """
        INSERT INTO progress (run_id, job, step, partitions_done, partitions, row_count, rows_per_second, dead_letters, remaining, at)
        SELECT run_id, @Job, @Step, @PartitionsDone, @Partitions, @Rows, @RowsPerSecond, @DeadLetters, @remaining, @at FROM run WHERE run_id = @RunId AND state = 'Running'
        ON CONFLICT (run_id) DO UPDATE SET job = excluded.job, step = excluded.step, partitions_done = excluded.partitions_done, partitions = excluded.partitions, row_count = excluded.row_count,
            rows_per_second = excluded.rows_per_second, dead_letters = excluded.dead_letters, remaining = excluded.remaining, at = excluded.at
        """, new
        {
            progress.RunId, progress.Job, progress.Step, progress.PartitionsDone, progress.Partitions, progress.Rows, progress.RowsPerSecond, progress.DeadLetters,
            remaining = progress.Remaining?.TotalSeconds, at = Values.OfTime(progress.At),
        }, t);

    public static void Remove(IDbTransaction t, string runId) => t.Connection!.Execute("DELETE FROM progress WHERE run_id = @runId", new { runId }, t);

    public static IReadOnlyDictionary<string, RunProgress> All(IDbTransaction t) => Rows.Read<Row, RunProgress>(
        t,
        """
        SELECT run_id AS RunId, job AS Job, step AS Step, partitions_done AS PartitionsDone, partitions AS Partitions, row_count AS RowCount, rows_per_second AS RowsPerSecond, dead_letters AS DeadLetters,
            remaining AS Remaining, at AS At
        FROM progress ORDER BY run_id
        """, null, r => r.Record()).ToDictionary(p => p.RunId);

    sealed class Row
    {
        public string RunId { get; init; } = "";
        public string Job { get; init; } = "";
        public string? Step { get; init; }
        public int PartitionsDone { get; init; }
        public int Partitions { get; init; }
        public long RowCount { get; init; }
        public double RowsPerSecond { get; init; }
        public long DeadLetters { get; init; }
        public double? Remaining { get; init; }
        public string At { get; init; } = "";

        public RunProgress Record() => new(
            RunId, Job, Step, PartitionsDone, Partitions, RowCount, RowsPerSecond, DeadLetters, Remaining is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Values.Time(At));
    }
}
