using System.Text;
using System.Text.Json;
using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Server.Board;

/// <summary>A run in one line.</summary>
/// <param name="RunId">Its id.</param>
/// <param name="Job">Its job.</param>
/// <param name="Verb">How it was asked for.</param>
/// <param name="State">How it stands.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="FinishedAt">When it ended; null: not yet.</param>
/// <param name="Error">Why it did not complete.</param>
/// <param name="ParentRunId">The run that it takes up again; null: none.</param>
/// <param name="Progress">How far it is; null: it has ended, or told nothing yet.</param>
/// <param name="QueuedId">Id of the queued run that asked for it, by which it can be cancelled; null: it came from a command line.</param>
public sealed record RunView(
    string RunId, string Job, string Verb, RunState State, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, string? Error, string? ParentRunId, RunProgress? Progress, string? QueuedId)
{
    /// <summary>How long it took; null: it goes on, or its clock was set back.</summary>
    public TimeSpan? Took => FinishedAt is { } end && end >= StartedAt ? end - StartedAt : null;
}

/// <summary>A run with all that is known of it.</summary>
/// <param name="Run">The run.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Summary">How it went; null: it goes on, or ended without a word.</param>
/// <param name="Attempts">Its attempts, in order.</param>
/// <param name="Queued">The queued run that asked for it.</param>
public sealed record RunDetails(RunView Run, RunRequest Request, RunSummary? Summary, IReadOnlyList<AttemptRecord> Attempts, QueuedRun? Queued)
{
    /// <summary>Whether some of its partitions failed, so that a retry may have something to do.</summary>
    public bool CanRetry => Run.State is RunState.Failed or RunState.Aborted or RunState.Cancelled;

    /// <summary>Whether some of its rows could not be scored.</summary>
    public bool CanReplay => Attempts.Any(a => a.DeadLetters > 0 && a.State is AttemptState.Committed or AttemptState.Published);
}

/// <summary>Runs, those that go on with their progress.</summary>
sealed class RunBoard(ServerContext context, IOperations operations)
{
    ICatalog Catalog => context.Session.Environment.Catalog;

    /// <summary>Runs that go on, and the latest others, newest first.</summary>
    public async Task<IReadOnlyList<RunView>> RecentAsync(int count, CancellationToken cancel)
    {
        var progress = await operations.ProgressAsync(cancel);
        var queued = await QueuedByRunAsync(cancel);
        return [.. (await Catalog.RecentRunsAsync(count, cancel)).Select(r => ViewOf(r, progress, queued))];
    }

    /// <summary>Runs that have not ended.</summary>
    public async Task<IReadOnlyList<RunView>> RunningAsync(CancellationToken cancel)
    {
        var progress = await operations.ProgressAsync(cancel);
        var queued = await QueuedByRunAsync(cancel);
        return [.. (await Catalog.UnfinishedRunsAsync(cancel)).Select(r => ViewOf(r, progress, queued))];
    }

    /// <summary>A run by id or unique prefix; null: there is none.</summary>
    public async Task<RunDetails?> FindAsync(string id, CancellationToken cancel)
    {
        RunRecord? record;
        try
        {
            record = await Catalog.FindRunAsync(id, cancel);
        }
        catch (DefinitionException)
        {
            // Several begin so.
            record = null;
        }
        if (record is null) return null;
        var queued = (await QueuedByRunAsync(cancel)).GetValueOrDefault(record.RunId);
        var progress = record.FinishedAt is null ? await operations.ProgressAsync(cancel) : new Dictionary<string, RunProgress>();
        return new RunDetails(
            ViewOf(record, progress, queued is null ? new Dictionary<string, QueuedRun>() : new Dictionary<string, QueuedRun> { [record.RunId] = queued }),
            JsonSerializer.Deserialize<RunRequest>(record.ArgumentsJson)!, record.SummaryJson is null ? null : JsonSerializer.Deserialize<RunSummary>(record.SummaryJson),
            await Catalog.AttemptsAsync(record.RunId, cancel), queued);
    }

    async Task<Dictionary<string, QueuedRun>> QueuedByRunAsync(CancellationToken cancel) =>
        (await operations.QueueAsync(new QueueFilter([], Limit: 500), cancel)).Where(q => q.RunId is not null).DistinctBy(q => q.RunId).ToDictionary(q => q.RunId!);

    static RunView ViewOf(RunRecord run, IReadOnlyDictionary<string, RunProgress> progress, IReadOnlyDictionary<string, QueuedRun> queued) => new(
        run.RunId, run.Job, run.Verb, run.State, run.StartedAt, run.FinishedAt, run.Error, run.ParentRunId, run.FinishedAt is null ? progress.GetValueOrDefault(run.RunId) : null,
        queued.TryGetValue(run.RunId, out var q) && !q.IsOver ? q.Id : null);

    /// <summary>The end of a run's log; null: it has none (it came from a command line).</summary>
    public async Task<IReadOnlyList<string>?> LogAsync(string runId, int lines, CancellationToken cancel)
    {
        // The id is a path here: only what a catalog knows comes so far.
        var path = Path.Combine(context.Session.Environment.Workspace.Root, "logs", Path.GetFileName(runId) + ".log");
        if (!File.Exists(path)) return null;
        const int Tail = 64 * 1024;
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Seek(Math.Max(0, stream.Length - Tail), SeekOrigin.Begin);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var all = (await reader.ReadToEndAsync(cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. all.Skip(stream.Length > Tail ? 1 : 0).TakeLast(lines)];
    }

    /// <summary>Lineage events of a run and its attempts, in order: at most <paramref name="count"/>. Reads the files of the months in which it ran.</summary>
    public IReadOnlyList<string> Events(RunView run, int count, CancellationToken cancel)
    {
        var folder = context.Session.Environment.Workspace.Lineage;
        if (!Directory.Exists(folder)) return [];
        var (first, last) = (FileOf(run.StartedAt), FileOf(run.FinishedAt ?? context.Session.Environment.Clock.GetUtcNow()));
        var found = new List<string>();
        foreach (var file in Directory.GetFiles(folder, "openlineage-*.ndjson").Order(StringComparer.Ordinal).Where(f => string.CompareOrdinal(Path.GetFileName(f), first) >= 0 && string.CompareOrdinal(Path.GetFileName(f), last) <= 0))
        {
            foreach (var line in File.ReadLines(file).Where(l => l.Contains(run.RunId, StringComparison.Ordinal)))
            {
                cancel.ThrowIfCancellationRequested();
                found.Add(line);
                if (found.Count == count) return found;
            }
        }
        return found;
    }

    static string FileOf(DateTimeOffset at) => $"openlineage-{at.UtcDateTime.ToString("yyyy-MM", System.Globalization.CultureInfo.InvariantCulture)}.ndjson";
}
