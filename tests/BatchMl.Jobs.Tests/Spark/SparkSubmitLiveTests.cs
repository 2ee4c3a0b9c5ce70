using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary><c>spark-submit.sh</c> and the way of the program to the executors, with real Sparks; results are those of the local run.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class SparkSubmitLiveTests(FlightDelaysRun local)
{
    const string Scores = "flight-delays/score";

    static readonly string[] days = ["2013-12-24", "2013-12-25", "2013-12-26"];

    [Fact]
    public async Task A_few_days_come_out_of_a_Spark_that_was_started_for_them_as_they_do_locally()
    {
        using var folder = new TestFolder();
        Workspaces.CopyWithoutScores(local.Workspace, folder.At("user's folder", "a workspace"));
        using var run = SubmitProcess.Start(
            folder, new Dictionary<string, string> { ["SPARK_HOME"] = LiveSpark.HomeOf("4.1"), ["BATCHML_PROGRAM"] = SubmitProcess.Program },
            "--master", "local[2]", "--driver-memory", "1g", "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4", Scores, "--from", days[0], "--to", "2013-12-27", "--workspace", "a workspace");
        Assert.True(await run.ExitCodeAsync() == 0, run.Output + run.Error);
        await AssertSameAsync(folder.At("user's folder", "a workspace"));
        SubmitProcess.AssertNothingLeft(folder);
        // The secret of the server is nobody's to read in a log.
        Assert.Contains("token=***", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3.5")]
    [InlineData("4.1")]
    public async Task A_program_that_is_sent_is_unpacked_once_and_runs_from_there_in_every_session(string version)
    {
        using var folder = new TestFolder();
        var cache = folder.At("programs");
        using var spark = LiveSpark.Start(version, environment: new Dictionary<string, string> { ["BATCHML_PROGRAM_CACHE"] = cache });
        string? program = null;
        var unpacked = default(DateTime);
        foreach (var workspace in new[] { folder.At("first"), folder.At("second") })
        {
            Workspaces.CopyWithoutScores(local.Workspace, workspace);
            using var run = await JobsProcess.RunAsync(
                "run", Scores, "--from", days[0], "--to", "2013-12-27", "--workspace", workspace, "--engine", "spark", "--set", $"Spark:Remote={spark.Remote}", "--set", "Spark:Ship=true");
            Assert.True(run.ExitCode == 0, run.Output + run.Error + spark.Log);
            await AssertSameAsync(workspace);

            var folders = Directory.GetDirectories(cache);
            Assert.Single(folders);
            Assert.Equal(program ?? folders[0], folders[0]);
            // Unpacking again would make the folder again.
            var made = Directory.GetLastWriteTimeUtc(folders[0]);
            if (program is not null) Assert.Equal(unpacked, made);
            (program, unpacked) = (folders[0], made);
            // A worker outlives its session.
            var workers = WorkersFrom(cache);
            Assert.NotEmpty(workers);
            Assert.All(workers, w => Assert.Equal(Path.Combine(program, "BatchMl.Jobs"), w));
        }
        if (!OperatingSystem.IsWindows()) Assert.Equal(File.GetUnixFileMode(SubmitProcess.Program), File.GetUnixFileMode(Path.Combine(program!, "BatchMl.Jobs")));
    }

    static List<string> WorkersFrom(string folder)
    {
        var found = new List<string>();
        foreach (var process in Directory.GetDirectories("/proc"))
        {
            try
            {
                if (File.ResolveLinkTarget(Path.Combine(process, "exe"), returnFinalTarget: false)?.FullName is { } program && program.StartsWith(folder, StringComparison.Ordinal)) found.Add(program);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended meanwhile, or another user's.
            }
        }
        return found;
    }

    async Task AssertSameAsync(string workspace)
    {
        var (expected, made) = (await Workspaces.ContentAsync(local.Workspace, Scores), await Workspaces.ContentAsync(workspace, Scores));
        Assert.Equal(days, made.Keys);
        Assert.All(days, d => Assert.Equal(expected[d], made[d]));
    }
}
