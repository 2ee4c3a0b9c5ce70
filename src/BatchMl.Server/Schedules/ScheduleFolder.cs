using BatchMl.Hosting;

namespace BatchMl.Server.Schedules;

/// <summary>Reads a folder of schedules: <c>NAME.yaml</c> each.</summary>
static class ScheduleFolder
{
    const string Pattern = "*.yaml";

    /// <summary>Files with when they were written and how long they are: what shows that one changed.</summary>
    public static IReadOnlyDictionary<string, (DateTime Written, long Length)> Stamps(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles(Pattern).ToDictionary(f => f.FullName, f => (f.LastWriteTimeUtc, f.Length));
        }
        catch (DirectoryNotFoundException)
        {
            return new Dictionary<string, (DateTime, long)>();
        }
    }

    /// <summary>All schedules by name, as they stand now.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="words">What they may refer to.</param>
    /// <param name="before">As they stood before: one that is not right now goes on as it was.</param>
    public static IReadOnlyDictionary<string, ScheduleEntry> Read(string folder, ScheduleWords words, IReadOnlyDictionary<string, ScheduleEntry> before)
    {
        var files = new SortedDictionary<string, (ScheduleFile File, string Path, string Text, Schedule? Schedule)>(StringComparer.Ordinal);
        foreach (var path in Stamps(folder).Keys)
        {
            var file = new ScheduleFile(words, Path.GetRelativePath(Environment.CurrentDirectory, path) is var near && near.StartsWith("..", StringComparison.Ordinal) ? path : near);
            var text = TextOf(path, file);
            if (text is not null) files[Path.GetFileNameWithoutExtension(path)] = (file, path, text, file.Read(text));
            else if (File.Exists(path)) files[Path.GetFileNameWithoutExtension(path)] = (file, path, "", null);
        }
        foreach (var (file, _, _, schedule) in files.Values) CheckAfter(file, schedule, files.Keys, name => files[name].Schedule ?? before.GetValueOrDefault(name)?.Schedule);
        return files.ToDictionary(f => f.Key, f => new ScheduleEntry(
            f.Key, f.Value.Path, f.Value.Text, f.Value.File.Problems.Count == 0 ? f.Value.Schedule : before.GetValueOrDefault(f.Key)?.Schedule, f.Value.File.Problems));
    }

    static string? TextOf(string path, ScheduleFile file)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file.Add(1, $"the file can not be read: {e.Message}");
            return null;
        }
    }

    static void CheckAfter(ScheduleFile file, Schedule? schedule, ICollection<string> names, Func<string, Schedule?> find)
    {
        if (schedule?.After is not { } after) return;
        if (!names.Contains(after))
        {
            file.Add(file.LineOf("after"), $"'after' is '{after}', which there is not{(Nearest.To(after, names.Where(n => n != schedule.Name)) is { } nearest ? $"; did you mean '{nearest}'?" : ".")} Expected the name of another file of this folder, without .yaml.");
            return;
        }
        var path = new List<string> { schedule.Name };
        for (var next = after; next is not null; next = find(next)?.After)
        {
            path.Add(next);
            if (next == schedule.Name)
            {
                file.Add(file.LineOf("after"), $"'after' leads back to this schedule: {string.Join(" after ", path)}. One of them needs a cron.");
                return;
            }
            // A circle that this one only leads into is told at those that are in it.
            if (path.Count > names.Count + 1) return;
        }
    }
}
