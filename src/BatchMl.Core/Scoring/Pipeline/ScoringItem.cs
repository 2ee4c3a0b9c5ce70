using Apache.Arrow;
using BatchMl.Engine;

namespace BatchMl.Scoring;

/// <summary>A batch on its way through the pipeline. Queued in spine order; scored in any order.</summary>
/// <param name="rows">All rows of the spine; owned.</param>
/// <param name="errors">Rows that could not be computed, by row.</param>
sealed class ScoringItem(RecordBatch rows, IReadOnlyList<FeatureError> errors) : IDisposable
{
    readonly TaskCompletionSource<ScoredRows> scored = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal RecordBatch Rows => rows;

    internal IReadOnlyList<FeatureError> Errors => errors;

    /// <summary>Ends when a worker is done with it.</summary>
    internal Task<ScoredRows> Scored => scored.Task;

    internal void Complete(ScoredRows result) => scored.SetResult(result);

    public void Dispose()
    {
        if (scored.Task.IsCompletedSuccessfully) scored.Task.Result.Dispose();
        rows.Dispose();
    }
}

/// <summary>A row that is a dead letter.</summary>
/// <param name="Row">Row within its item.</param>
/// <param name="Stage">Where it failed.</param>
/// <param name="Reason">Why.</param>
sealed record FailedRow(int Row, string Stage, string Reason);

/// <summary>An item's outcome: each row is in <paramref name="Features"/> and <paramref name="Scores"/> or in <paramref name="Failed"/>.</summary>
/// <param name="Features">The rows that were scored, in order; the item's own batch where none failed.</param>
/// <param name="Scores">The same rows as they are written; owned.</param>
/// <param name="Failed">The others, by row.</param>
/// <param name="Unknown">Unknown categories by feature.</param>
sealed record ScoredRows(RecordBatch Features, RecordBatch Scores, IReadOnlyList<FailedRow> Failed, IReadOnlyDictionary<string, long> Unknown) : IDisposable
{
    public void Dispose()
    {
        Scores.Dispose();
        if (Failed.Count > 0) Features.Dispose();
    }
}
