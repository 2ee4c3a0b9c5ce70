using System.Diagnostics;
using System.Globalization;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>What runs under a server: executors, and our workers.</summary>
static class SparkProcesses
{
    const string Worker = "pyspark.daemon", Executor = "CoarseGrainedExecutorBackend";

    /// <summary>kill -9 of all workers of a server.</summary>
    public static int KillWorkers(LiveSpark spark) => Kill([spark.ProcessId], Worker, int.MaxValue);

    /// <summary>kill -9 of one executor below a cluster's workers.</summary>
    public static int KillExecutor(IReadOnlyList<int> workers) => Kill(workers, Executor, 1);

    /// <summary>Waits until a task of a run scores: it has made a folder of its own.</summary>
    public static async Task ScoringAsync(string workspace, Task run)
    {
        var staging = Path.Combine(workspace, "spark-staging");
        // A run's folder has an owner and, while it is tried out, answers; an attempt's has datasets.
        while (!Directory.Exists(staging) || !Directory.EnumerateDirectories(staging, "datasets", SearchOption.AllDirectories).Any())
        {
            Assert.False(run.IsCompleted, "The run ended before a task scored.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    static int Kill(IReadOnlyList<int> roots, string what, int most)
    {
        var killed = 0;
        foreach (var id in roots.SelectMany(Under).Where(p => CommandOf(p).Contains(what, StringComparison.Ordinal)).Take(most))
        {
            using var kill = Process.Start("kill", ["-9", id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
            if (kill.ExitCode == 0) killed++;
        }
        return killed;
    }

    // All descendants, by the parent in stat of proc(5), which comes after the name in parentheses and the state.
    static IEnumerable<int> Under(int root)
    {
        var parents = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Select(n => int.Parse(n!, CultureInfo.InvariantCulture))
            .Select(id => (Id: id, Parent: Read(id, "stat") is { Length: > 0 } stat ? int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) : -1)).ToArray();
        var found = new Queue<int>([root]);
        while (found.TryDequeue(out var next))
        {
            foreach (var (id, _) in parents.Where(p => p.Parent == next))
            {
                yield return id;
                found.Enqueue(id);
            }
        }
    }

    static string CommandOf(int id) => Read(id, "cmdline").Replace('\0', ' ');

    static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/{file}");
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return "";
        }
    }
}
