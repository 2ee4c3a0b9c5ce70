using BatchMl.Data;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Server.Board;

/// <summary>All datasets and how their partitions stand: what the ledger has, joined with what planning said. Kept until either changes, since there may be a hundred thousand partitions.</summary>
sealed class DatasetBoard(ServerContext context, IOperations operations, PlanBoard plans, ScheduleTime time, Lateness lateness)
{
    // Lateness comes with time alone, and need not be known to the second.
    static readonly TimeSpan Fresh = TimeSpan.FromSeconds(20);

    readonly SemaphoreSlim gate = new(1, 1);
    Known? known;

    sealed record Known(long Ledger, long Plans, long At, IReadOnlyList<DatasetView> Datasets);

    /// <summary>All datasets, those of jobs first.</summary>
    public async Task<IReadOnlyList<DatasetView>> AllAsync(CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            var clock = context.Session.Environment.Clock;
            var (ledger, planned) = (await operations.PartitionsVersionAsync(cancel), plans.Version);
            if (known is { } k && k.Ledger == ledger && k.Plans == planned && clock.GetElapsedTime(k.At) < Fresh) return k.Datasets;
            known = new Known(ledger, planned, clock.GetTimestamp(), await MakeAsync(cancel));
            return known.Datasets;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>A dataset by its name, or by that of the job that makes it; null: there is none.</summary>
    public async Task<DatasetView?> FindAsync(string name, CancellationToken cancel)
    {
        var all = await AllAsync(cancel);
        return all.FirstOrDefault(d => d.Name == name) ?? all.FirstOrDefault(d => d.Job == name);
    }

    async Task<IReadOnlyList<DatasetView>> MakeAsync(CancellationToken cancel)
    {
        var statuses = (await operations.PartitionsAsync(null, cancel)).GroupBy(p => p.Key.Dataset).ToDictionary(g => g.Key, g => g.ToArray());
        var now = time.Now;
        var views = new List<DatasetView>();
        foreach (var job in plans.Jobs)
        {
            var planning = plans.Of(job.Name);
            // A job's partitions may be of another dataset than its name: a training job's are versions of a model.
            var name = planning?.Decisions.Keys.FirstOrDefault()?.Dataset ?? (job is Jobs.TrainJob train ? train.Model : job.Name);
            statuses.Remove(name, out var everywhere);
            var decisions = planning?.Decisions ?? new Dictionary<PartitionKey, PartitionDecision>();
            // The same rows may be kept in several sinks; this server's is shown.
            var sink = planning?.Decisions.Keys.FirstOrDefault()?.Sink ?? job.SinkIn(context.Session.Environment).Name;
            var made = everywhere?.Where(p => p.Key.Sink == sink).ToArray();
            views.Add(new DatasetView(
                name, job.Name, job.Description, sink, job.Policy,
                Join(made ?? [], decisions, Beside(statuses, job.Name, sink), new Times(now, job.DueAfter, lateness.Of(job.Name))), planning?.PlannedAt, planning?.Problem, planning?.Missing ?? []));
        }
        foreach (var (name, made) in statuses.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            views.Add(new DatasetView(name, null, DescriptionOf(name), made[0].Key.Sink, null, Join(made, new Dictionary<PartitionKey, PartitionDecision>(), new Dictionary<string, PartitionStatus>(), new Times(now, TimeSpan.Zero, _ => null)), null, null, []));
        }
        return views;
    }

    // A version that is not the one that is scored with now, or what was made while none were kept.
    string DescriptionOf(string name) => DatasetVersion.Of(name) is { } version && plans.Jobs.Any(j => j.Name == version.Dataset) ? $"What version {version.Version} of the model scored of {version.Dataset}"
        : plans.Jobs.Any(j => j.Name == name) ? "Made while scores were not kept by model version" : "Made by a job that this program does not have";

    /// <summary>Of a job whose scores are, or were, kept by model version: the partitions that are current among those of other versions, by their value.</summary>
    static IReadOnlyDictionary<string, PartitionStatus> Beside(Dictionary<string, PartitionStatus[]> others, string job, string sink) =>
        DatasetVersion.Current(
            others.Where(o => DatasetVersion.DatasetOf(o.Key) == job).SelectMany(o => o.Value).Where(p => p.Key.Sink == sink && p.CommittedAt is not null), p => p.Key.Value, p => p.CommittedAt!.Value, p => p.Key.Dataset)
        .ToDictionary(p => p.Key.Value, StringComparer.Ordinal);

    // What a partition's time is held against.
    readonly record struct Times(DateTimeOffset Now, TimeSpan DueAfter, Func<DateTimeOffset, DateTimeOffset?> LateFrom)
    {
        public DateTimeOffset? DueOf(PartitionDecision decision) => decision.Partition.NominalEnd + DueAfter;
    }

    static IReadOnlyList<PartitionView> Join(PartitionStatus[] made, IReadOnlyDictionary<PartitionKey, PartitionDecision> decisions, IReadOnlyDictionary<string, PartitionStatus> beside, Times times)
    {
        var views = new List<PartitionView>(Math.Max(made.Length, decisions.Count));
        var known = new HashSet<PartitionKey>(made.Length);
        foreach (var status in made)
        {
            known.Add(status.Key);
            // What readers see of a day that this version did not score is what another one did.
            var isAbsent = status.CommittedAt is null && status.State is not (PartitionState.Running or PartitionState.Failed);
            views.Add(Of(isAbsent ? beside.GetValueOrDefault(status.Key.Value) ?? status : status, decisions.GetValueOrDefault(status.Key), times));
        }
        foreach (var (key, decision) in decisions)
        {
            if (known.Contains(key)) continue;
            if (beside.TryGetValue(key.Value, out var current))
            {
                views.Add(Of(current, decision, times) with { Reason = decision.Reason });
                continue;
            }
            var (state, reason) = Absent(decision, times);
            views.Add(new PartitionView(key.Dataset, key.Column, key.Value, state, 0, 0, null, null, reason, times.DueOf(decision)));
        }
        views.Sort((a, b) => string.CompareOrdinal(a.Value, b.Value));
        return views;
    }

    static PartitionView Of(PartitionStatus status, PartitionDecision? decision, Times times)
    {
        var (state, reason) = status.State switch
        {
            PartitionState.Running => (PartitionCondition.Running, null),
            PartitionState.Failed => (PartitionCondition.Failed, status.Error),
            _ when status.CommittedAt is null => decision is null ? (PartitionCondition.Missing, null) : Absent(decision, times),
            // A new model alone changes nothing about a day that was scored: with a weekly training all of them would be called changed.
            _ when decision is { IsAffected: true } => (PartitionCondition.Changed, decision.Reason),
            _ => (status.DeadLetters > 0 ? PartitionCondition.DeadLetters : PartitionCondition.Published, null),
        };
        return new PartitionView(status.Key.Dataset, status.Key.Column, status.Key.Value, state, status.Rows, status.DeadLetters, status.CommittedAt, status.RunId, reason, decision is null ? null : times.DueOf(decision));
    }

    static (PartitionCondition State, string? Reason) Absent(PartitionDecision decision, Times times)
    {
        if (decision.Kind == DecisionKind.Waiting) return (PartitionCondition.Waiting, decision.Reason);
        if (times.DueOf(decision) is not { } due) return (PartitionCondition.Missing, decision.Reason);
        if (due > times.Now) return (PartitionCondition.Waiting, "its time has not come");
        // A training set's period moves with each training: that the one of the definition is not there is no delay.
        return PartitionView.DayOf(decision.Partition.Key.Value) is not null && times.LateFrom(due) < times.Now ? (PartitionCondition.Late, decision.Reason) : (PartitionCondition.Missing, decision.Reason);
    }
}
