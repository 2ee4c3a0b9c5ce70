using BatchMl.Operations;
using BatchMl.Server.Schedules;

namespace BatchMl.Server.Board;

/// <summary>All schedules with what became of them.</summary>
sealed class ScheduleBoard(IOperations operations, ScheduleBook book, ScheduleTime time)
{
    const int Shown = 5;

    /// <summary>All schedules, by name.</summary>
    public async Task<IReadOnlyList<ScheduleView>> AllAsync(CancellationToken cancel)
    {
        var entries = book.Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal).ToArray();
        if (entries.Length == 0) return [];
        var states = await operations.SchedulesAsync(cancel);
        var queued = (await operations.QueueAsync(new QueueFilter([], Limit: Math.Max(1_000, 4 * entries.Length)), cancel)).Where(q => q.Schedule is not null).ToLookup(q => q.Schedule!);
        return [.. entries.Select(e => Of(e, states.GetValueOrDefault(e.Name), queued[e.Name]))];
    }

    /// <summary>A schedule by its name; null: there is none.</summary>
    public async Task<ScheduleView?> FindAsync(string name, CancellationToken cancel) => (await AllAsync(cancel)).FirstOrDefault(s => s.Name == name);

    /// <summary>What its file says now.</summary>
    public string TextOf(string name) => book.Entries.TryGetValue(name, out var entry) ? entry.Text : "";

    /// <summary>Its queued runs, the latest first.</summary>
    public Task<IReadOnlyList<QueuedRun>> HistoryAsync(string name, int count, CancellationToken cancel) => operations.QueueAsync(new QueueFilter([], Schedule: name, Limit: count), cancel);

    ScheduleView Of(ScheduleEntry entry, ScheduleState? state, IEnumerable<QueuedRun> queued)
    {
        var schedule = entry.Schedule;
        var runs = queued.ToArray();
        var isOn = schedule is { IsEnabled: true } && state?.PausedBy is null;
        var lag = runs.Where(q => !q.IsOver && q.Occurrence is not null).Select(q => (time.Now - q.Occurrence!.Value).TotalSeconds).DefaultIfEmpty(0).Max();
        return new ScheduleView(
            entry.Name, schedule?.Job ?? "", schedule is null ? "" : schedule.After is { } after ? $"after {after}" : $"{schedule.CronText} {schedule.Zone.Id}",
            schedule?.IsEnabled ?? false, state?.PausedBy, state?.PausedAt, isOn ? [.. schedule!.Next(time.Now).Take(Shown)] : [], runs.FirstOrDefault(), Math.Max(0, lag), entry.Problems);
    }
}

/// <summary>From when on a partition that is not there is late.</summary>
sealed class Lateness(ServerContext context, ScheduleBook book)
{
    /// <summary>
    /// For partitions of a job, by when their time comes: the first occurrence from then on of a schedule that makes them, and as long as the schedule's <c>late_after</c>; of several schedules the earliest. Null: no schedule says.
    /// </summary>
    public Func<DateTimeOffset, DateTimeOffset?> Of(string job)
    {
        var schedules = book.Runnable.Where(s => s.LateAfter is not null && (s.Job == job || IsStepOf(job, s.Job))).ToArray();
        return due => schedules.Min(s => FirstFrom(s, due) + s.LateAfter);
    }

    // A pipeline's schedule is one of its steps too.
    bool IsStepOf(string step, string job) => context.Application.NamedJobs().GetValueOrDefault(job) is Runs.PipelineJob pipeline && pipeline.Steps.Any(s => s.Name == step);

    DateTimeOffset? FirstFrom(Schedule schedule, DateTimeOffset due)
    {
        // One that comes after another has the occurrences of that.
        var first = schedule;
        while (first?.After is { } after) first = book.Runnable.FirstOrDefault(s => s.Name == after);
        return first?.Next(due.AddTicks(-1)).Select(n => (DateTimeOffset?)n).FirstOrDefault();
    }
}
