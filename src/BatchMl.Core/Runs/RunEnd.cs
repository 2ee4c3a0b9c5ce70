using BatchMl.Lineage;

namespace BatchMl.Runs;

/// <summary>A step did not make all of its partitions, so that those behind it are not run. <see cref="Exception.Message"/> is what a person reads.</summary>
/// <param name="step">Which step.</param>
/// <param name="failed">Its partitions that failed.</param>
/// <param name="notRun">The steps behind it.</param>
/// <param name="fatal">What stopped the whole run; null: only partitions failed.</param>
sealed class StepFailedException(string step, IReadOnlyCollection<(PlannedPartition Partition, Exception Error)> failed, IReadOnlyList<string> notRun, Exception? fatal)
    : BatchMlException(Text(step, failed, notRun, fatal), inner: fatal ?? failed.First().Error)
{
    const int Shown = 3;

    static string Text(string step, IReadOnlyCollection<(PlannedPartition Partition, Exception Error)> failed, IReadOnlyList<string> notRun, Exception? fatal)
    {
        var lines = new List<string>();
        if (fatal is not null) lines.Add($"{step} stopped: {Describe(fatal)}");
        else
        {
            lines.Add($"{failed.Count} {(failed.Count == 1 ? "partition" : "partitions")} of {step} failed.");
            lines.AddRange(failed.Take(Shown).Select(f => $"{f.Partition.Key}: {f.Error.Message}"));
            if (failed.Count > Shown) lines.Add($"… and {failed.Count - Shown} more; 'status' lists them.");
        }
        if (notRun.Count > 0) lines.Add($"Not run, because they come after it: {string.Join(", ", notRun)}.");
        return string.Join(Environment.NewLine, lines);
    }

    static string Describe(Exception error) => RetryPolicy.KindOf(error) == FailureKind.Bug ? $"a defect of BatchMl or of a function of yours: {error}" : error.Message;
}

/// <summary>Partitions were not made because their inputs were not ready; all others were.</summary>
sealed class InputsNotReadyException(IReadOnlyCollection<PartitionDecision> waiting) : BatchMlException(Text(waiting), FailureKind.Transient)
{
    const int Shown = 3;

    static string Text(IReadOnlyCollection<PartitionDecision> waiting) => string.Join(Environment.NewLine,
    [
        waiting.Count == 1 ? "One partition waits for inputs that are not ready." : $"{waiting.Count} partitions wait for inputs that are not ready.",
        .. waiting.Take(Shown).Select(w => $"{w.Partition.Key}: {w.Reason}"),
        .. waiting.Count > Shown ? new[] { $"… and {waiting.Count - Shown} more." } : [],
        "The same run again makes them once they are; --wait 2h waits for that. A source need not be ready with --set Sources:NAME:Ready=none.",
    ]);
}

/// <summary>How a run ended.</summary>
/// <param name="State">Its state.</param>
/// <param name="Message">Why it did not complete.</param>
/// <param name="Error">The error itself.</param>
/// <param name="ExitCode">What the program returns.</param>
sealed record RunEnd(RunState State, string? Message, Exception? Error, int ExitCode)
{
    const int Failed = 1, Usage = 2, DeadLetters = 3;

    public static readonly RunEnd Completed = new(RunState.Completed, null, null, 0);

    public static RunEnd Of(Exception error, string runId, bool isCancelled)
    {
        var cause = error is StepFailedException { InnerException: { } inner } ? inner : error;
        return cause switch
        {
            OperationCanceledException when isCancelled => new(RunState.Cancelled, "Cancelled. What was committed stays; run it again to go on.", cause, Failed),
            DefinitionException => new(RunState.Failed, error.Message, cause, Usage),
            DeadLetterLimitException => new(RunState.Failed, $"{error.Message}{Environment.NewLine}{Again(runId)}", cause, DeadLetters),
            BatchMlException { Kind: not FailureKind.Bug } or IOException or UnauthorizedAccessException or OutOfMemoryException => new(RunState.Failed, $"{error.Message}{Environment.NewLine}{Again(runId)}", cause, Failed),
            _ => new(RunState.Failed, error is StepFailedException ? error.Message : $"A defect of BatchMl or of a function of yours: {error}", cause, Failed),
        };
    }

    static string Again(string runId) => $"What was committed stays. When it is mended: retry {runId}";

    /// <summary>The run's last lineage event.</summary>
    public string Event(LineageRun run, DateTimeOffset at) => State switch
    {
        RunState.Completed => OpenLineageEvents.Complete(run, null, null, replaces: false, at),
        RunState.Cancelled => OpenLineageEvents.Abort(run, null, Message!, at),
        _ => OpenLineageEvents.Fail(run, null, Message!, Error!.StackTrace, at),
    };
}
