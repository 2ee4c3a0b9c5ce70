using System.Collections.Concurrent;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Jobs;

namespace BatchMl.Server.Board;

/// <summary>How far a column has drifted.</summary>
/// <param name="Column">The column.</param>
/// <param name="Level"><c>none</c>, <c>warning</c> or <c>drift</c>.</param>
/// <param name="Psi">Population stability index against the training rows; null: not a number.</param>
public sealed record ColumnDriftView(string Column, string Level, double? Psi);

/// <summary>What a monitoring job found in its latest partition.</summary>
/// <param name="Job">The job.</param>
/// <param name="Watches">The dataset that it watches.</param>
/// <param name="Partition">The latest partition judged; null: none yet.</param>
/// <param name="Columns">Its columns, the worst first.</param>
/// <param name="Metrics">How scores turned out there, e.g. <c>auc</c>; empty while labels are not known.</param>
/// <param name="Report">Path of the report below <c>/reports/</c>; null: there is none yet.</param>
/// <param name="Problem">Why that can not be read; null: it can.</param>
public sealed record DriftView(string Job, string Watches, string? Partition, IReadOnlyList<ColumnDriftView> Columns, IReadOnlyDictionary<string, double> Metrics, string? Report, string? Problem)
{
    /// <summary>The worst level of its columns: <c>none</c>, <c>warning</c>, <c>drift</c>, or <c>unknown</c>.</summary>
    public string Level => Columns.Count == 0 ? "unknown" : Columns[0].Level;

    /// <summary>How many columns are on a level.</summary>
    public int Count(string level) => Columns.Count(c => c.Level == level);
}

/// <summary>Drift, as monitoring jobs judged it.</summary>
sealed class DriftBoard(ServerContext context, DatasetBoard datasets, PlanBoard plans)
{
    static readonly string[] levels = ["drift", "warning", "none"];

    readonly ConcurrentDictionary<string, (DateTimeOffset CommittedAt, DriftView View)> read = new(StringComparer.Ordinal);

    /// <summary>All monitoring jobs.</summary>
    public async Task<IReadOnlyList<DriftView>> AllAsync(CancellationToken cancel)
    {
        var views = new List<DriftView>();
        foreach (var job in plans.Jobs.OfType<MonitorJob>())
        {
            var latest = (await datasets.FindAsync(job.Name, cancel))?.Partitions.LastOrDefault(p => p.CommittedAt is not null);
            if (latest is null) views.Add(new DriftView(job.Name, job.Score.Name, null, [], new Dictionary<string, double>(), ReportOf(job.Name), null));
            else if (read.TryGetValue(job.Name, out var known) && known.CommittedAt == latest.CommittedAt && known.View.Partition == latest.Value) views.Add(known.View with { Report = ReportOf(job.Name) });
            else views.Add((read[job.Name] = (latest.CommittedAt!.Value, await ReadAsync(job, latest, cancel))).View);
        }
        return views;
    }

    string? ReportOf(string job) => File.Exists(Path.Combine(context.Session.Environment.Workspace.Reports, job + ".html")) ? job + ".html" : null;

    async Task<DriftView> ReadAsync(MonitorJob job, PartitionView partition, CancellationToken cancel)
    {
        var sink = context.Session.Environment.Sink;
        var (columns, metrics) = (new Dictionary<string, ColumnDriftView>(StringComparer.Ordinal), new Dictionary<string, double>(StringComparer.Ordinal));
        try
        {
            if (await sink.ReadManifestAsync(new PartitionKey(sink.Name, job.Name, partition.Column, partition.Value), cancel) is not { } manifest) return Unread("it is not published yet");
            await foreach (var batch in sink.ReadAsync(manifest, ["column", "metric", "value", "level"], cancel))
            {
                using (batch) Add(batch, columns, metrics);
            }
        }
        catch (Exception e) when (e is BatchMlException or IOException or UnauthorizedAccessException)
        {
            return Unread(e.Message);
        }
        return new DriftView(job.Name, job.Score.Name, partition.Value, [.. columns.Values.OrderBy(c => System.Array.IndexOf(levels, c.Level)).ThenByDescending(c => c.Psi ?? -1)], metrics, ReportOf(job.Name), null);

        DriftView Unread(string why) => new(job.Name, job.Score.Name, partition.Value, [], metrics, ReportOf(job.Name), why);
    }

    // One row per column and metric; those without a column are of the partition.
    static void Add(RecordBatch batch, Dictionary<string, ColumnDriftView> columns, Dictionary<string, double> metrics)
    {
        string? Text(int column, int row) => Columns.ValueAt(Columns.Normalize(batch.Column(column)), row) as string;
        var values = (DoubleArray)Columns.Normalize(batch.Column(2));
        for (var row = 0; row < batch.Length; row++)
        {
            var (column, metric) = (Text(0, row), Text(1, row)!);
            if (column is null)
            {
                if (values.GetValue(row) is { } value) metrics[metric] = value;
            }
            else if (metric == "psi") columns[column] = new ColumnDriftView(column, Text(3, row) ?? "none", values.GetValue(row));
        }
    }
}
