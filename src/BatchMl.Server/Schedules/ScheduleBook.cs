namespace BatchMl.Server.Schedules;

/// <summary>All schedules of a folder.</summary>
sealed class ScheduleBook
{
    /// <summary>All of them as they stand, by name.</summary>
    public IReadOnlyDictionary<string, ScheduleEntry> Entries { get; private set; } = new Dictionary<string, ScheduleEntry>();

    /// <summary>Those that may run: right once, and enabled.</summary>
    public IReadOnlyList<Schedule> Runnable => [.. Entries.Values.Select(e => e.Schedule).OfType<Schedule>().Where(s => s.IsEnabled)];
}
