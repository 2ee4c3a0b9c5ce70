using Apache.Arrow;
using BatchMl.Runs;
using BatchMl.Telemetry;

namespace BatchMl.Scoring;

/// <summary>One use of a pipeline: which run it belongs to and who is told what.</summary>
public sealed record ScoringRun
{
    /// <summary>Column <c>run_id</c>.</summary>
    public required string RunId { get; init; }

    /// <summary>Column <c>scored_at</c>; cut off to microseconds.</summary>
    public required DateTimeOffset ScoredAt { get; init; }

    /// <summary>Told of dead letters as they arrive; when it throws, the pipeline stops with its exception.</summary>
    public required DeadLetterBudget DeadLetters { get; init; }

    /// <summary>
    /// Told of time spent, from any thread. Busy: <c>source</c> (inside the input, which may report stages of its own), <c>encode</c>, <c>score</c>, <c>challenge</c> (both, of a challenger), <c>assemble</c>, <c>write</c>,
    /// <c>observe</c>, <c>complete</c>. Waiting: <c>source</c> for output (the queue of batches is full), <c>encode</c> for input (no batch to score), <c>write</c> for input (the next batch is not scored yet).
    /// </summary>
    public Action<string, StageState, TimeSpan>? OnTime { get; init; }

    /// <summary>Told of rows that are written or dead letters, as they are done.</summary>
    public Action<long>? OnRows { get; init; }

    /// <summary>Sees the rows that were scored, in output order; null: nobody does.</summary>
    public ScoreObserver? Observer { get; init; }
}

/// <summary>
/// Sees scored rows of a partition in output order, on one thread at a time; batches are only valid during the call. How they are cut depends on the batch size.
/// </summary>
/// <param name="partition">The partition's value.</param>
/// <param name="features">The rows as the engine gave them, dead letters left out.</param>
/// <param name="scores">The same rows as they are written.</param>
public delegate void ScoreObserver(string partition, RecordBatch features, RecordBatch scores);

/// <summary>What became of a partition's rows; <c>Rows = Scores + DeadLetters</c>.</summary>
/// <param name="Rows">Rows of the spine.</param>
/// <param name="Scores">Rows written.</param>
/// <param name="DeadLetters">Rows that could not be scored.</param>
/// <param name="NanScores">NaN values among the written outputs of the model.</param>
public sealed record PartitionCounts(long Rows, long Scores, long DeadLetters, long NanScores);

/// <summary>What a pipeline did.</summary>
/// <param name="Partitions">By value; every partition that has a stage.</param>
/// <param name="UnknownCategories">By feature: values of scored rows that the encoder was not fitted on.</param>
public sealed record ScoringResult(IReadOnlyDictionary<string, PartitionCounts> Partitions, IReadOnlyDictionary<string, long> UnknownCategories);
