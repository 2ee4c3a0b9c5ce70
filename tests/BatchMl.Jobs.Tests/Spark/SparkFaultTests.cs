using System.Diagnostics;
using BatchMl.Catalog;
using BatchMl.Jobs.Tests.Faults;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>What goes wrong around a job on a real Spark: it ends with the reason, or goes on to the same scores as without; and nothing is held or left.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class SparkFaultTests(FlightDelaysRun uninterrupted, GuardedSpark spark) : IClassFixture<GuardedSpark>
{
    static readonly string[] partitions = ["2013-12-30", "2013-12-31"];

    static string[] Two => [.. partitions.SelectMany(p => new[] { "--partition", p })];

    static string[] On(string remote, string? worker = null) => ["--engine", "spark", "--set", $"Spark:Remote={remote}", "--set", $"Spark:Worker={worker ?? JobsProcess.Program}"];

    [Fact]
    public async Task Where_no_server_answers_the_run_ends_with_that()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        await AssertRefusedAsync(workspace, On($"sc://127.0.0.1:{Ports.Free()}"), "No Spark Connect server could be reached");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wrong_token_or_none_is_refused(bool isThere)
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        await AssertRefusedAsync(workspace, On(isThere ? GuardedSpark.WithToken(spark.Server.Remote, "wrong") : spark.Server.Remote), "spark.connect.authenticate.token");
    }

    [Fact]
    public async Task A_worker_of_another_build_is_refused()
    {
        using var folder = new TestFolder();
        using var workspace = new ScoringWorkspace(uninterrupted);
        Call("cp", "-a", AppContext.BaseDirectory.TrimEnd('/'), folder.At("other"));
        // Copies, not links: .NET follows those back to the folder that they lead to.
        var program = folder.At("other", "BatchMl.Jobs");
        var assembly = folder.At("other", "BatchMl.StoppingJobs.dll");
        File.WriteAllBytes(assembly, [.. File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "BatchMl.StoppingJobs.dll")), 0]);
        await AssertRefusedAsync(workspace, On(spark.Remote, program), "publish the program anew");
    }

    [Fact]
    public async Task A_workspace_that_executors_do_not_share_is_said_before_any_work()
    {
        using var probe = Process.Start(new ProcessStartInfo("unshare", ["-m", "true"]) { RedirectStandardError = true })!;
        probe.WaitForExit();
        Shared.RequireOrSkip(OperatingSystem.IsLinux() && probe.ExitCode == 0, "No mounts of one's own (unshare -m) can be made here.");
        using var folder = new TestFolder();
        using var workspace = new ScoringWorkspace(uninterrupted);
        var script = folder.At("worker.sh");
        File.WriteAllText(script, $"#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs tmpfs \"{workspace.Path}\" && exec \"{JobsProcess.Program}\" \"$@\"' sh \"$@\"\n");
        Call("chmod", "+x", script);
        await AssertRefusedAsync(workspace, On(spark.Remote, script), "does not see");
    }

    [Fact]
    public async Task A_model_that_executors_do_not_see_is_named()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var models = new Workspace(workspace.Path).Models;
        await AssertRefusedAsync(workspace, On(spark.Remote), "is not on this executor", DisturbedJobs.At("after lease", () => Directory.Move(models, models + ".away")));
    }

    [Fact]
    public async Task Data_that_changed_between_plan_and_reading_is_planned_anew()
    {
        using var folder = new TestFolder();
        var (path, replacement) = (folder.At("weather.parquet"), folder.At("new.parquet"));
        void Write(string columns, string to) => Duck.Execute($"COPY (SELECT {columns} FROM '{Path.Combine(Workspaces.Data, "weather.parquet")}') TO '{to}' (FORMAT parquet)");
        Write("*", path);
        Write("* REPLACE (temp + 7 AS temp)", replacement);
        string[] settings = [.. Two, "--set", $"Sources:weather:Path={path}"];
        using var workspace = new ScoringWorkspace(uninterrupted);
        var result = await new DisturbedJobs { Reached = DisturbedJobs.At("after lease", () => File.Move(replacement, path, overwrite: true)) }.RunAsync(workspace.Run([.. On(spark.Remote), .. settings]));
        Assert.True(result.Code == 0, result.All);

        using var fresh = new ScoringWorkspace(uninterrupted);
        var expected = await new DisturbedJobs().RunAsync(fresh.Run(settings));
        Assert.True(expected.Code == 0, expected.All);
        Assert.Equal(await Workspaces.ContentAsync(fresh.Path, ScoringWorkspace.Job), await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job));
        Assert.NotEqual((await Workspaces.ContentAsync(uninterrupted.Workspace, ScoringWorkspace.Job))[partitions[0]], (await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job))[partitions[0]]);
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
    }

    [Fact]
    public async Task Killed_workers_are_started_again_and_each_partition_is_made_once()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var run = Task.Run(() => new DisturbedJobs().RunAsync(workspace.Run(On(spark.Remote))));
        await SparkProcesses.ScoringAsync(workspace.Path, run);
        Assert.True(SparkProcesses.KillWorkers(spark.Server) > 0);
        var result = await run;
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(null);
    }

    [Fact]
    public async Task A_connection_that_breaks_again_and_again_is_attached_again()
    {
        using var proxy = new CuttingProxy(new Uri(spark.Server.Remote).Port);
        using var workspace = new ScoringWorkspace(uninterrupted);
        var run = Task.Run(() => new DisturbedJobs().RunAsync(workspace.Run(On(GuardedSpark.WithToken(proxy.Remote)))));
        await SparkProcesses.ScoringAsync(workspace.Path, run);
        var cut = 0;
        for (var i = 0; i < 3; i++)
        {
            cut += proxy.Cut();
            await Task.Delay(300, TestContext.Current.CancellationToken);
        }
        Assert.True(cut > 0);
        var result = await run;
        Assert.True(result.Code == 0, result.All);
        await workspace.AssertWholeAsync(null);
    }

    [Fact]
    public async Task A_driver_killed_before_it_commits_leaves_what_the_next_run_completes()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        var args = workspace.Run([.. On(spark.Remote), .. Two]);
        using (var killed = JobsProcess.StartStopping("before commit", args))
        {
            await killed.StoppedAsync();
            killed.Kill();
            await killed.WaitAsync();
        }
        Assert.Empty(await Workspaces.ContentAsync(workspace.Path, ScoringWorkspace.Job));
        var next = await new DisturbedJobs().RunAsync(args);
        Assert.True(next.Code == 0, next.All);
        await workspace.AssertWholeAsync(partitions);
    }

    [Fact]
    public async Task Ctrl_C_stops_the_work_on_Spark_and_gives_the_leases_back()
    {
        using var workspace = new ScoringWorkspace(uninterrupted);
        using var run = JobsProcess.Start(workspace.Run(On(spark.Remote)));
        await SparkProcesses.ScoringAsync(workspace.Path, run.WaitAsync());
        Call("kill", "-INT", $"{run.Id}");
        await run.WaitAsync();
        Assert.True(run.ExitCode == 1, run.Output + run.Error);
        Assert.Contains("ancelled", run.Output + run.Error, StringComparison.Ordinal);
        await AssertNothingMadeAsync(workspace);
        using var http = new HttpClient();
        var application = System.Text.Json.JsonDocument.Parse(await http.GetStringAsync($"{spark.Pages}/api/v1/applications")).RootElement[0].GetProperty("id").GetString();
        // Tasks that were told to end take a moment.
        while (await http.GetStringAsync($"{spark.Pages}/api/v1/applications/{application}/jobs?status=running") is var running && running.Contains("jobId", StringComparison.Ordinal))
            await Task.Delay(200, TestContext.Current.CancellationToken);
    }

    async Task AssertRefusedAsync(ScoringWorkspace workspace, string[] engine, string reason, Action<string>? reached = null)
    {
        var result = await new DisturbedJobs { Reached = reached ?? (_ => { }) }.RunAsync(workspace.Run([.. engine, .. Two]));
        Assert.True(result.Code == 1, result.All);
        Assert.Contains(reason, result.All, StringComparison.Ordinal);
        await AssertNothingMadeAsync(workspace);
    }

    static async Task AssertNothingMadeAsync(ScoringWorkspace workspace)
    {
        Assert.All(await Workspaces.LedgerAsync(workspace.Path, ScoringWorkspace.Job), e => Assert.True(e.Lease is null && e.Committed is null, $"{e.Key} is held or made"));
        await using var catalog = new SqliteCatalog(new Workspace(workspace.Path).CatalogPath);
        Assert.Empty(await catalog.UnfinishedRunsAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await catalog.OpenAttemptsAsync(TestContext.Current.CancellationToken));
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
    }

    static void Call(string program, params string[] args)
    {
        using var process = Process.Start(program, args);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
