namespace BatchMl.Server.Schedules;

/// <summary>A schedule's file as it stands.</summary>
/// <param name="Name">Name of the schedule: that of the file, without <c>.yaml</c>.</param>
/// <param name="Path">Path of the file.</param>
/// <param name="Text">Its text.</param>
/// <param name="Schedule">What runs: what the file says, or said when it was last right; null: it never was.</param>
/// <param name="Problems">What is wrong with the file as it is, each with file and line; empty: nothing.</param>
sealed record ScheduleEntry(string Name, string Path, string Text, Schedule? Schedule, IReadOnlyList<string> Problems);
