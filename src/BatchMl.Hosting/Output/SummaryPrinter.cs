using System.Globalization;
using BatchMl.Runs;
using BatchMl.Telemetry;

namespace BatchMl.Hosting.Output;

/// <summary>The closing summary: what was done, where results are, where the time went.</summary>
static class SummaryPrinter
{
    static readonly TimeSpan Shown = TimeSpan.FromMilliseconds(10);

    public static void Print(TextWriter output, RunSummary summary, Workspace workspace)
    {
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{summary.Job} {summary.State.ToString().ToLowerInvariant()} in {summary.Elapsed.TotalSeconds:F1} s (run {summary.RunId})"));
        foreach (var step in summary.Steps)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {step.Job}: {string.Join(", ", Counts(step))} {step.Elapsed.TotalSeconds:F2} s"));
            foreach (var waiting in step.Waiting) output.WriteLine($"    {waiting.Partition} waits: {waiting.Reason}");
            PrintTimes(output, step);
            foreach (var note in step.Notes) output.WriteLine($"    {note}");
        }
        if (summary.Error is not null) output.WriteLine(summary.Error);
        output.WriteLine($"  results in {workspace.Root}: datasets/, models/, reports/, lineage/");
    }

    // Seconds of all threads of a stage. What waits for input is bound by what comes before it, what waits for output by what comes behind.
    static void PrintTimes(TextWriter output, StepSummary step)
    {
        var shown = step.StageTimes.Where(t => t.Busy >= Shown || t.WaitingForInput >= Shown || t.WaitingForOutput >= Shown).ToArray();
        if (shown.Length == 0) return;
        var waits = shown.Any(t => t.WaitingForInput >= Shown || t.WaitingForOutput >= Shown);
        output.WriteLine($"    {"seconds of all threads",-22}{"busy",9}{(waits ? "  waiting for input  for output" : "")}");
        foreach (var t in shown) output.WriteLine($"      {t.Stage,-20}{Seconds(t.Busy),9}{(waits ? $"{Seconds(t.WaitingForInput),19}{Seconds(t.WaitingForOutput),12}" : "")}".TrimEnd());
        if (step.BoundBy is { } bound) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    bound by: {bound.Stage} ({100 * bound.BusyShare:F0} % busy)"));
    }

    static string Seconds(TimeSpan time) => time >= Shown ? time.TotalSeconds.ToString("F2", CultureInfo.InvariantCulture) : "";

    static IEnumerable<string> Counts(StepSummary step)
    {
        yield return $"{step.Done} made";
        if (step.Skipped > 0) yield return $"{step.Skipped} up to date";
        if (step.Reported > 0) yield return $"{step.Reported} changed but kept (policy report; --force makes them again)";
        if (step.Waiting.Count > 0) yield return $"{step.Waiting.Count} WAITING";
        if (step.NotDue > 0) yield return $"{step.NotDue} not due yet";
        if (step.Failed > 0) yield return $"{step.Failed} FAILED";
        if (step.Rows > 0) yield return $"{step.Rows.ToString("N0", CultureInfo.InvariantCulture)} rows";
        if (step.DeadLetters > 0) yield return $"{step.DeadLetters.ToString("N0", CultureInfo.InvariantCulture)} dead letters";
    }
}
