namespace BatchMl.Telemetry;

/// <summary>What a stage's thread does.</summary>
public enum StageState
{
    /// <summary>It works.</summary>
    Busy,
    /// <summary>It has nothing to work on: the stages before it are slower.</summary>
    WaitingForInput,
    /// <summary>It has nowhere to put what it made: the stages behind it are slower.</summary>
    WaitingForOutput,
}

/// <summary>Where a stage's time went, summed over its threads.</summary>
/// <param name="Stage">Its name, e.g. <c>score</c>.</param>
/// <param name="Busy">Time spent working.</param>
/// <param name="WaitingForInput">Time spent waiting for rows; of stages that share a thread, the first one has it.</param>
/// <param name="WaitingForOutput">Time spent waiting for room; of stages that share a thread, the last one has it.</param>
public sealed record StageTime(string Stage, TimeSpan Busy, TimeSpan WaitingForInput, TimeSpan WaitingForOutput);
