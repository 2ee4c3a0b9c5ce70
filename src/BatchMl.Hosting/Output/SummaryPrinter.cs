using System.Globalization;
using BatchMl.Runs;

namespace BatchMl.Hosting.Output;

/// <summary>The closing summary: what was done, where results are, where the time went.</summary>
static class SummaryPrinter
{
    public static void Print(TextWriter output, RunSummary summary, Workspace workspace)
    {
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{summary.Job} {summary.State.ToString().ToLowerInvariant()} in {summary.Elapsed.TotalSeconds:F1} s (run {summary.RunId})"));
        foreach (var step in summary.Steps)
        {
            output.WriteLine($"  {step.Job}: {string.Join(", ", Counts(step))}{Seconds(step.Elapsed)}");
            // A stage "x/in" or "x/out" is x waiting for its input or output: what it waits for is what bounds the run.
            PrintTimes(output, "busy, all threads", step.StageTimes.Where(t => !t.Key.Contains('/', StringComparison.Ordinal)), t => t);
            PrintTimes(output, "waiting, all threads", step.StageTimes.Where(t => t.Key.Contains('/', StringComparison.Ordinal)), t => t.Replace("/in", " for input", StringComparison.Ordinal).Replace("/out", " for output", StringComparison.Ordinal));
            foreach (var note in step.Notes) output.WriteLine($"    {note}");
        }
        if (summary.Error is not null) output.WriteLine(summary.Error);
        output.WriteLine($"  results in {workspace.Root}: datasets/, models/, reports/, lineage/");
    }

    static void PrintTimes(TextWriter output, string title, IEnumerable<KeyValuePair<string, TimeSpan>> times, Func<string, string> name)
    {
        var shown = times.Where(t => t.Value.TotalMilliseconds >= 10).OrderByDescending(t => t.Value).Select(t => $"{name(t.Key)}{Seconds(t.Value)}").ToArray();
        if (shown.Length > 0) output.WriteLine($"    {title}: {string.Join(", ", shown)}");
    }

    static IEnumerable<string> Counts(StepSummary step)
    {
        yield return $"{step.Done} made";
        if (step.Skipped > 0) yield return $"{step.Skipped} up to date";
        if (step.Reported > 0) yield return $"{step.Reported} changed but kept (policy report; --force makes them again)";
        if (step.Failed > 0) yield return $"{step.Failed} FAILED";
        if (step.Rows > 0) yield return $"{step.Rows.ToString("N0", CultureInfo.InvariantCulture)} rows";
        if (step.DeadLetters > 0) yield return $"{step.DeadLetters.ToString("N0", CultureInfo.InvariantCulture)} dead letters";
    }

    static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $" {time.TotalSeconds:F2} s");
}
