using System.Globalization;
using System.Text;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Server.Dispatch;

/// <summary>Watches a run: knows how far it is, and writes what it tells to <c>logs/RUN.log</c> of the workspace, line by line as it comes.</summary>
sealed class RunWatch(Workspace workspace, TimeProvider clock) : RunListener, IDisposable
{
    readonly Lock gate = new();
    readonly HashSet<UnitProgress> units = [];
    StreamWriter? log;
    string? runId, job, step;
    int todo, done;
    long letters, started, lastRows, lastAt;
    double rate;

    /// <summary>The run, once it has begun.</summary>
    public string? RunId { get { lock (gate) return runId; } }

    /// <summary>Where the log of a run is.</summary>
    public static string PathOf(Workspace workspace, string runId) => Path.Combine(workspace.Root, "logs", $"{runId}.log");

    /// <summary>How far it is; null: it has not begun. Rows per second are those since this was asked before.</summary>
    public RunProgress? Progress()
    {
        lock (gate)
        {
            if (runId is null) return null;
            var (rows, now) = (units.Sum(u => u.Rows), clock.GetTimestamp());
            if (clock.GetElapsedTime(lastAt, now) is { TotalSeconds: > 0.2 } past)
            {
                rate = Math.Max(0, rows - lastRows) / past.TotalSeconds;
                (lastRows, lastAt) = (rows, now);
            }
            TimeSpan? left = done > 0 && todo >= done ? clock.GetElapsedTime(started, now) * ((double)(todo - done) / done) : null;
            return new RunProgress(runId, job!, step, done, todo, rows, rate, letters, left, clock.GetUtcNow());
        }
    }

    public override void RunStarted(string runId, string job)
    {
        lock (gate)
        {
            (this.runId, this.job) = (runId, job);
            var path = PathOf(workspace, runId);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            log = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false)) { AutoFlush = true };
            Line($"run {runId} of {job} begins");
        }
    }

    public override void StepPlanned(JobPlan plan, IReadOnlyList<PartitionDecision> decisions)
    {
        lock (gate)
        {
            var counts = decisions.GroupBy(d => d.Kind).ToDictionary(g => g.Key, g => g.Count());
            step = plan.Job.Name;
            todo = counts.GetValueOrDefault(DecisionKind.New) + counts.GetValueOrDefault(DecisionKind.Redo);
            (done, letters, started, lastRows, lastAt) = (0, 0, clock.GetTimestamp(), 0, clock.GetTimestamp());
            units.Clear();
            Line($"{step}: {Count(todo)} to make{string.Concat(counts.Where(c => c.Key is not (DecisionKind.New or DecisionKind.Redo)).OrderBy(c => c.Key).Select(c => $", {c.Value} {Words(c.Key)}"))}");
        }
    }

    public override void UnitStarted(UnitOfWork unit)
    {
        lock (gate) units.Add(unit.Progress);
    }

    public override void PartitionCommitted(PlannedPartition partition, PartitionResult result)
    {
        lock (gate)
        {
            done++;
            letters += result.Staged.DeadLetters;
            Line($"{partition.Key}: made, {result.Staged.Rows.ToString("N0", CultureInfo.InvariantCulture)} rows{(result.Staged.DeadLetters > 0 ? $", {result.Staged.DeadLetters.ToString("N0", CultureInfo.InvariantCulture)} dead letters" : "")}");
        }
    }

    public override void PartitionFailed(PlannedPartition partition, Exception error, TimeSpan? retryIn) =>
        Note($"{partition.Key}: {(retryIn is { } wait ? $"again in {wait.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s" : "failed")}: {error.Message}");

    public override void WaitingFor(PlannedPartition partition, LeaseInfo lease) => Note($"{partition.Key}: held by run {lease.RunId}; waiting");

    public override void WaitingForInputs(IReadOnlyList<PartitionDecision> waiting, TimeSpan left) =>
        Note($"waiting for inputs, {left.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture)} s at most: {string.Join("; ", waiting.Select(w => $"{w.Partition.Key}: {w.Reason}"))}");

    public override void Note(string line)
    {
        lock (gate) Line(line);
    }

    public override void StepFinished(StepSummary summary)
    {
        lock (gate)
        {
            foreach (var note in summary.Notes) Line(note);
            foreach (var waiting in summary.Waiting) Line($"{waiting.Partition}: {waiting.Reason}");
            Line($"{summary.Job}: {Count(summary.Done)} made in {summary.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s{(summary.Failed > 0 ? $", {Count(summary.Failed)} failed" : "")}");
        }
    }

    public override void RunFinished(RunSummary summary)
    {
        lock (gate)
        {
            if (summary.Error is { } error) Line(error);
            Line($"run {summary.RunId} is {summary.State.ToString().ToLowerInvariant()} after {summary.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s");
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            log?.Dispose();
            log = null;
        }
    }

    static string Count(int partitions) => $"{partitions.ToString(CultureInfo.InvariantCulture)} partition{(partitions == 1 ? "" : "s")}";

    static string Words(DecisionKind kind) => kind switch
    {
        DecisionKind.UpToDate => "up to date", DecisionKind.Reported => "changed and kept", DecisionKind.Frozen => "frozen", DecisionKind.NotDue => "not due yet", DecisionKind.Waiting => "waiting for inputs", _ => "not known yet",
    };

    void Line(string text) => log?.WriteLine($"{clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)} {text}");
}
