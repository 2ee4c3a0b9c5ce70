using BatchMl.Operations;
using Cronos;

namespace BatchMl.Server.Schedules;

/// <summary>What happens to occurrences that were missed: while no server ran, or the schedule was paused.</summary>
enum MisfirePolicy
{
    /// <summary>One run stands for all of them, that of the latest. The default.</summary>
    OneRun,
    /// <summary>Each gets its run, in order.</summary>
    Every,
    /// <summary>They are left out.</summary>
    Skip,
}

/// <summary>When which job runs, and how: the content of a file.</summary>
/// <param name="Name">That of the file, without <c>.yaml</c>.</param>
/// <param name="Job">Name of the job.</param>
/// <param name="Zone">Time zone of cron and dates.</param>
/// <param name="Arguments">What is asked of the job.</param>
/// <param name="Queue">Which workers take it: <c>train</c>, <c>score</c> or <c>monitor</c>.</param>
sealed record Schedule(string Name, string Job, TimeZoneInfo Zone, ScheduleArguments Arguments, string Queue)
{
    /// <summary>When it runs; null: after another one.</summary>
    public CronExpression? Cron { get; init; }
    /// <summary>Cron as it is in the file.</summary>
    public string? CronText { get; init; }
    /// <summary>The schedule whose run for the same occurrence must have succeeded; null: none, it has a cron.</summary>
    public string? After { get; init; }
    /// <summary>Occurrences from here on count, also those before the server first saw the file; null: those after that.</summary>
    public DateTimeOffset? Start { get; init; }
    /// <summary>What happens to missed occurrences.</summary>
    public MisfirePolicy Misfire { get; init; }
    /// <summary>What happens at an occurrence while a run before is not over.</summary>
    public OverlapPolicy Overlap { get; init; } = OverlapPolicy.Queue;
    /// <summary>Runs of one group do not all go at once.</summary>
    public string? Group { get; init; }
    /// <summary>How many of the group may run at once.</summary>
    public int GroupLimit { get; init; } = 1;
    /// <summary>Longest time of one try.</summary>
    public TimeSpan? TimeLimit { get; init; }
    /// <summary>How often a run is tried again after a failure.</summary>
    public int Retries { get; init; }
    /// <summary>A run that is not done this long after its occurrence is late.</summary>
    public TimeSpan? LateAfter { get; init; }
    /// <summary>Names of channels that are told; null: all that there are.</summary>
    public IReadOnlyList<string>? Notify { get; init; }
    /// <summary>Whether it runs at all.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>The next occurrences after an instant.</summary>
    public IEnumerable<DateTimeOffset> Next(DateTimeOffset after)
    {
        for (var at = after; Cron?.GetNextOccurrence(at, Zone) is { } next; at = next) yield return next;
    }
}
