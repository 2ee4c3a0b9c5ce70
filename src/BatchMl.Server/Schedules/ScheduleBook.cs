using BatchMl.Server.Dispatch;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Server.Schedules;

/// <summary>
/// All schedules of a folder, as their files are now: changes are seen without a restart. While a file is wrong its last right version goes on, and that is said; a schedule whose file is gone is gone.
/// </summary>
sealed class ScheduleBook : BackgroundService
{
    // Not all file systems tell of changes.
    static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    readonly string? folder;
    readonly ScheduleWords words;
    readonly DispatchBell bell;
    readonly ILogger logger;
    IReadOnlyDictionary<string, (DateTime, long)> stamps = new Dictionary<string, (DateTime, long)>();

    /// <summary>The book of a folder, read at once.</summary>
    /// <param name="folder">The folder; null: none, there are no schedules.</param>
    /// <param name="words">What schedules may refer to.</param>
    /// <param name="bell">Rung when something changed.</param>
    /// <param name="logging">Told of problems.</param>
    public ScheduleBook(string? folder, ScheduleWords words, DispatchBell bell, ILoggerFactory logging)
    {
        (this.folder, this.words, this.bell) = (folder, words, bell);
        logger = logging.CreateLogger("BatchMl.Schedules");
        Reload();
    }

    /// <summary>All of them as they stand, by name.</summary>
    public IReadOnlyDictionary<string, ScheduleEntry> Entries { get; private set; } = new Dictionary<string, ScheduleEntry>();

    /// <summary>Those that may run: right once, and enabled.</summary>
    public IReadOnlyList<Schedule> Runnable { get; private set; } = [];

    /// <summary>Reads the folder again if something in it changed.</summary>
    public void Reload()
    {
        if (folder is null) return;
        var now = ScheduleFolder.Stamps(folder);
        if (now.Count == stamps.Count && now.All(s => stamps.TryGetValue(s.Key, out var before) && before == s.Value)) return;
        stamps = now;
        var read = ScheduleFolder.Read(folder, words, Entries);
        foreach (var entry in read.Values)
        {
            if (entry.Problems.Count == 0 || Entries.TryGetValue(entry.Name, out var before) && before.Problems.SequenceEqual(entry.Problems)) continue;
            logger.LogWarning("Schedule {Name} {State}: {Problems}", entry.Name, entry.Schedule is null ? "does not run" : "goes on as it was before its file changed", string.Join(Environment.NewLine, entry.Problems));
        }
        Entries = read;
        Runnable = [.. read.Values.Select(e => e.Schedule).OfType<Schedule>().Where(s => s.IsEnabled)];
        bell.Ring();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (folder is null) return;
        var changed = new DispatchBell();
        using var watcher = Watcher(changed.Ring);
        while (!stoppingToken.IsCancellationRequested)
        {
            await changed.WaitAsync(Look, stoppingToken);
            try
            {
                Reload();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.LogWarning(e, "The schedules in {Folder} can not be read now; they go on as they were", folder);
            }
        }
    }

    FileSystemWatcher? Watcher(Action changed)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(folder!, "*.yaml");
            watcher.Changed += (_, _) => changed();
            watcher.Created += (_, _) => changed();
            watcher.Deleted += (_, _) => changed();
            watcher.Renamed += (_, _) => changed();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            watcher?.Dispose();
            logger.LogWarning(e, "Changes in {Folder} are looked for every {Seconds} s: the system does not tell of them", folder, Look.TotalSeconds);
            return null;
        }
    }
}
