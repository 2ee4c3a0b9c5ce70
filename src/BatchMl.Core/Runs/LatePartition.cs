namespace BatchMl.Runs;

/// <summary>A published partition whose inputs changed since it was made: data that came late, or was corrected.</summary>
/// <param name="Job">The job that made it.</param>
/// <param name="Column">Partition column.</param>
/// <param name="Value">Its value.</param>
/// <param name="Changes">What changed, inputs among it.</param>
/// <param name="Policy">What the job's runs do about it.</param>
/// <param name="MadeAt">When it was made.</param>
/// <param name="RunId">By which run.</param>
public sealed record LatePartition(string Job, string Column, string Value, string Changes, ChangePolicy Policy, DateTimeOffset MadeAt, string RunId);
