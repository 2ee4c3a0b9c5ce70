using System.Globalization;
using System.Runtime.InteropServices;
using BatchMl.Catalog;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>
/// What kills cost. Recovery is over when the next process has published, ended and taken stock of what was left, and says what it will make; that is compared with the same line of processes that had nothing to
/// recover. What was in flight is made again: those are the attempts that were aborted.
/// </summary>
sealed class KillResult
{
    const string Planned = "partitions to make";

    readonly List<double> clean = [], recovered = [], moments = [];
    TimeSpan whole;
    int workspaces, aborted, committed;

    public int Kills => moments.Count;

    public TimeSpan Uninterrupted(JobsProcess process)
    {
        clean.Add(process.When(Planned)!.Value.TotalSeconds);
        return whole = process.Elapsed;
    }

    public void Killed(JobsProcess process, bool isRecovering)
    {
        moments.Add(process.Elapsed.TotalSeconds);
        if (process.When(Planned) is { } planned) (isRecovering ? recovered : clean).Add(planned.TotalSeconds);
    }

    /// <summary>A workspace came to its end with a run that had a kill before it.</summary>
    public async Task EndedAsync(JobsProcess last, ScoringWorkspace workspace)
    {
        recovered.Add(last.When(Planned)!.Value.TotalSeconds);
        await using var catalog = new SqliteCatalog(new Workspace(workspace.Path).CatalogPath);
        var attempts = await ScoringWorkspace.AttemptsAsync(catalog);
        workspaces++;
        aborted += attempts.Count(a => a.State == AttemptState.Aborted);
        committed += attempts.Count(a => a.State == AttemptState.Published);
    }

    public IReadOnlyList<string> Lines =>
    [
        string.Create(CultureInfo.InvariantCulture, $"{Kills} kills in {workspaces} workspaces of 92 partitions, {moments.Min():F2} to {moments.Max():F2} s after the start of a process; an uninterrupted run took {whole.TotalSeconds:F1} s."),
        string.Create(CultureInfo.InvariantCulture, $"{committed} partitions committed, each once; {aborted} attempts were in flight when their process was killed and were made again ({(double)aborted / Kills:F1} per kill)."),
        $"From start of a process until it knows what is to do, with nothing to recover: {Percentiles(clean)}.",
        $"The same after a kill, with what was left published, ended or given up: {Percentiles(recovered)}.",
    ];

    static string Percentiles(List<double> seconds)
    {
        seconds.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"median {At(0.5):F2} s, p90 {At(0.9):F2} s, greatest {seconds[^1]:F2} s (n = {seconds.Count})");

        double At(double share) => seconds[(int)((seconds.Count - 1) * share)];
    }

    /// <summary>Writes the result beside the source of this test.</summary>
    public Task SaveAsync() => File.WriteAllTextAsync(
        Path.Combine(Shared.RepositoryRoot, "tests", "BatchMl.Jobs.Tests", "Faults", "soak-result.md"),
        $"""
        # kill -9 at random moments

        Made by `BATCHML_SOAK=1 dotnet test tests/BatchMl.Jobs.Tests --filter FullyQualifiedName~KillTests`: `flight-delays/score` is killed up to {KillTests.KillsPerWorkspace} times per workspace and then run to its end; content, ledger,
        lineage and leftovers are compared with an uninterrupted run.

        Machine: {Environment.ProcessorCount} cores, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}.

        {string.Join('\n', Lines.Select(l => $"- {l}"))}

        """);
}
