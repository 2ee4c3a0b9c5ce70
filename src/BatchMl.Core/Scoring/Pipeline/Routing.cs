using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Telemetry;

namespace BatchMl.Scoring;

/// <summary>Takes scored items in spine order and hands each partition its rows.</summary>
sealed class Routing(ScoreLayout layout, ModelManifest model, IReadOnlyDictionary<string, IBatchStage> stages, ScoringRun run, StageTimes times)
{
    readonly Dictionary<string, PartitionOutput> outputs = stages.ToDictionary(s => s.Key, s => new PartitionOutput(s.Key, s.Value, model));
    readonly SortedDictionary<string, long> unknown = new(StringComparer.Ordinal);

    internal async Task WriteAsync(ScoringItem item, ScoredRows scored, CancellationToken cancel)
    {
        foreach (var (value, runs) in Partitioning.Of(Columns.Normalize(item.Rows.Column(layout.Partition.Name))))
        {
            if (!outputs.TryGetValue(value, out var output))
                throw new BatchMlException($"A row belongs to partition {value}, which is not one of those to be made: {string.Join(", ", outputs.Keys)}. The engine gave rows that were not asked for.", FailureKind.Bug);
            foreach (var part in runs) output.Account(part, scored.Failed.Where(f => f.Row >= part.Start && f.Row < part.Start + part.Count), item.Rows);

            var kept = runs.Select(part => Kept(part, scored.Failed)).Where(part => part.Count > 0).ToArray();
            if (kept.Length == 0) continue;
            using var scores = Select(scored.Scores, kept);
            await times.MeasureAsync("write", StageState.Busy, () => new ValueTask(output.WriteAsync(scores, cancel)));
            if (run.Observer is not { } observer) continue;
            using var features = Select(scored.Features, kept);
            times.Measure("observe", () =>
            {
                observer(value, features, scores);
                return true;
            });
        }
        foreach (var (feature, count) in scored.Unknown) unknown[feature] = unknown.GetValueOrDefault(feature) + count;
        run.OnRows?.Invoke(item.Rows.Length);
    }

    internal async Task<ScoringResult> FinishAsync(CancellationToken cancel)
    {
        foreach (var output in outputs.Values) await output.FinishAsync(cancel);
        return new(outputs.ToDictionary(o => o.Key, o => o.Value.Counts), unknown);
    }

    /// <summary>Where a run's rows are once the failed ones are gone.</summary>
    static Partitioning.Run Kept(Partitioning.Run run, IReadOnlyList<FailedRow> failed)
    {
        var before = failed.Count(f => f.Row < run.Start);
        var within = failed.Count(f => f.Row >= run.Start && f.Row < run.Start + run.Count);
        return new(run.Start - before, run.Count - within);
    }

    // As a rule rows are sorted by partition, so a partition's rows are a slice.
    static RecordBatch Select(RecordBatch batch, IReadOnlyList<Partitioning.Run> runs) => runs.Count == 1
        ? batch.SliceShared(runs[0].Start, runs[0].Count)
        : batch.Take([.. runs.SelectMany(r => Enumerable.Range(r.Start, r.Count))]);
}
