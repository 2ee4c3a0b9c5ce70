using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Board;

namespace BatchMl.Server.Pages;

/// <summary>A state as a shape and a word.</summary>
/// <param name="Symbol">Name of the shape.</param>
/// <param name="Text">The word.</param>
public sealed record State(string Symbol, string Text)
{
    internal static State Of(PartitionCondition state) => new(Words.Class(state), Words.Of(state));

    internal static State Of(RunState state) => new(state switch
    {
        RunState.Running => "running",
        RunState.Completed => "done",
        RunState.Cancelled => "stopped",
        _ => "failed",
    }, Words.Of(state));

    internal static State Of(QueuedRunState state) => new(state switch
    {
        QueuedRunState.Waiting => "waiting",
        QueuedRunState.Queued => "missing",
        QueuedRunState.Running => "running",
        QueuedRunState.Succeeded => "done",
        QueuedRunState.Failed => "failed",
        _ => "stopped",
    }, Words.Of(state));

    internal static State Of(AttemptState state) => new(state switch
    {
        AttemptState.Published or AttemptState.Committed => "published",
        AttemptState.Leased or AttemptState.Staged => "running",
        _ => "failed",
    }, state.ToString().ToLowerInvariant());

    /// <summary>Of a level of drift.</summary>
    internal static State OfDrift(string level) => new(level switch
    {
        "drift" => "failed",
        "warning" => "warning",
        "none" => "done",
        _ => "waiting",
    }, level switch
    {
        "none" => "no drift",
        "unknown" => "not judged yet",
        _ => level,
    });
}
