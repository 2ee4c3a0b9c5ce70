using BatchMl.Runs;

namespace BatchMl.Server.Schedules;

/// <summary>What a schedule asks of its job: the options of <c>run</c>, with templates of dates.</summary>
sealed class ScheduleArguments
{
    /// <summary>The request for an occurrence.</summary>
    public RunRequest RequestOf(DateTimeOffset occurrence, TimeZoneInfo zone) => throw new NotSupportedException();
}
