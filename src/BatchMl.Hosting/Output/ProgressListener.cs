using System.Globalization;
using BatchMl.Runs;

namespace BatchMl.Hosting.Output;

/// <summary>
/// Progress for a person: on a terminal one line that is rewritten (partitions, rows/s, time left, dead letters), otherwise plain lines, one for every tenth of a step.
/// </summary>
sealed class ProgressListener(TextWriter output, TimeProvider clock, bool isTerminal) : RunListener, IDisposable
{
    readonly Lock gate = new();
    string step = "";
    int todo, done, printedTenths;
    long deadLetters, lastDrawn;
    readonly List<UnitProgress> units = [];
    long started;

    public override void StepPlanned(JobPlan plan, IReadOnlyList<PartitionDecision> decisions)
    {
        lock (gate)
        {
            step = plan.Job.Name;
            var waiting = decisions.Count(d => d.Kind == DecisionKind.Waiting);
            todo = decisions.Count(d => d.Kind is DecisionKind.New or DecisionKind.Redo) + waiting;
            (done, printedTenths, deadLetters, started) = (0, 0, 0, clock.GetTimestamp());
            units.Clear();
            var kept = decisions.Count - todo;
            Line($"{step}: {todo} partition{(todo == 1 ? "" : "s")} to make{(waiting > 0 ? $", {waiting} of them when inputs are ready" : "")}{(kept > 0 ? $", {kept} to keep" : "")}");
        }
    }

    public override void UnitStarted(UnitOfWork unit)
    {
        lock (gate)
        {
            if (!units.Contains(unit.Progress)) units.Add(unit.Progress);
        }
    }

    public override void PartitionCommitted(PlannedPartition partition, PartitionResult result)
    {
        lock (gate)
        {
            done++;
            deadLetters += result.Staged.DeadLetters;
            if (isTerminal) Draw();
            else if (todo > 1 && done * 10 / todo > printedTenths)
            {
                printedTenths = done * 10 / todo;
                output.WriteLine(State());
            }
        }
    }

    public override void PartitionFailed(PlannedPartition partition, Exception error, TimeSpan? retryIn)
    {
        lock (gate) Line($"{partition.Key}: {(retryIn is { } wait ? $"again in {wait.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s" : "failed")}: {error.Message}");
    }

    public override void WaitingFor(PlannedPartition partition, LeaseInfo lease)
    {
        lock (gate) Line($"{partition.Key}: held by run {lease.RunId}; waiting");
    }

    public override void WaitingForInputs(IReadOnlyList<PartitionDecision> waiting, TimeSpan left)
    {
        lock (gate)
        {
            Line($"{step}: {waiting.Count} partition{(waiting.Count == 1 ? "" : "s")} wait for inputs, for {left.ToString(@"d\.hh\:mm\:ss", CultureInfo.InvariantCulture)} at most");
            foreach (var decision in waiting.Take(3)) Line($"  {decision.Partition.Key}: {decision.Reason}");
        }
    }

    public override void Note(string line)
    {
        lock (gate) Line(line);
    }

    public override void StepFinished(StepSummary summary)
    {
        lock (gate) Clear();
    }

    public void Dispose()
    {
        lock (gate) Clear();
    }

    string State()
    {
        var elapsed = clock.GetElapsedTime(started);
        var rows = units.Sum(u => u.Rows);
        var left = done > 0 ? elapsed * ((double)(todo - done) / done) : TimeSpan.Zero;
        return string.Create(CultureInfo.InvariantCulture,
            $"{step}: {done}/{todo} partitions, {rows / Math.Max(0.001, elapsed.TotalSeconds):N0} rows/s, {left.TotalSeconds:F0} s left, {deadLetters} dead letter{(deadLetters == 1 ? "" : "s")}");
    }

    void Draw()
    {
        // Ten times a second is enough for an eye.
        if (clock.GetElapsedTime(lastDrawn) < TimeSpan.FromMilliseconds(100) && done < todo) return;
        lastDrawn = clock.GetTimestamp();
        output.Write($"\r\u001b[K{State()}");
        output.Flush();
    }

    void Clear()
    {
        if (isTerminal) output.Write("\r\u001b[K");
    }

    void Line(string text)
    {
        Clear();
        output.WriteLine(text);
    }
}
