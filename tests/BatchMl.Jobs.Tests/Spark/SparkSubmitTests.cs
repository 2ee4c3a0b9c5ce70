using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary><c>spark-submit.sh</c> with scripts in the place of Spark and of the driver: what they are told, and that none outlives the other.</summary>
public sealed class SparkSubmitTests : IDisposable
{
    const string Ends = "exit 0";

    // Writes down the signals that it gets, and whether the server was there then.
    const string Listens =
        "told() { kill -0 $(cat \"$FAKE/server-pid\") && echo \"$1, the server runs\" >> \"$FAKE/signals\"; exit 7; }; trap 'told interrupted' INT; trap 'told terminated' TERM; echo > \"$FAKE/ready\"; while :; do sleep 0.05; done";

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    string[] Words(string name) => File.ReadAllText(folder.At(name)).Split('\0')[..^1];

    [Fact]
    public async Task Spark_and_the_job_get_their_arguments_as_they_were_written()
    {
        using var run = SubmitProcess.Fake(
            folder, SubmitProcess.Serves, Ends, "--master", "spark://h:7077", "--conf", "spark.a=it's \"b\"  $c", "--conf=spark.d=e=f", "--name", "", "--executor-memory", "2g", "--num-executors=3", "--verbose", "--queue", "q",
            "--jars", "a b.jar,/c.jar,hdfs://n/d.jar", "--archives", "e.zip#f", "--conf", "spark.files=g", "flight-delays", "--from", "2013-10-01", "", "a b", "q\"x'y", "*", "--conf");
        Assert.True(await run.ExitCodeAsync() == 0, run.Error);
        var here = folder.At("user's folder");
        Assert.Equal(
            [
                "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--name", "batchml flight-delays", "--conf", "spark.connect.grpc.binding.port=0",
                "--master", "spark://h:7077", "--conf", "spark.a=it's \"b\"  $c", "--conf", "spark.d=e=f", "--name", "", "--executor-memory", "2g", "--num-executors", "3", "--verbose", "--queue", "q",
                "--jars", $"{here}/a b.jar,/c.jar,hdfs://n/d.jar", "--archives", $"{here}/e.zip#f", "--conf", $"spark.files={here}/g", "--conf", "spark.connect.grpc.binding.address=127.0.0.1", "spark-internal",
            ],
            Words("submitted"));
        Assert.Equal(["run", "flight-delays", "--engine", "spark", "--from", "2013-10-01", "", "a b", "q\"x'y", "*", "--conf"], Words("driven"));
        Assert.StartsWith(folder.At("tmp"), File.ReadAllText(folder.At("server-folder")), StringComparison.Ordinal);
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Theory]
    [InlineData("[::]:40123", "40123")]
    [InlineData("0:0:0:0:0:0:0:0%0:35001", "35001")]
    public async Task The_driver_gets_the_port_that_the_server_says_and_its_secret(string said, string port)
    {
        // In two pieces, the first of which ends within the port.
        var server = $"echo noise; printf '%s' '12:00:00 INFO SparkConnectServer: Spark Connect server started at: {said[..^2]}'; sleep 0.5; echo '{said[^2..]}'; exec sleep 600";
        using var run = SubmitProcess.Fake(folder, server, Ends, "--ship", "job");
        Assert.True(await run.ExitCodeAsync() == 0, run.Error);
        var token = File.ReadAllText(folder.At("token"));
        Assert.Equal(32, token.Length);
        Assert.Equal($"sc://127.0.0.1:{port}/;token={token}", File.ReadAllText(folder.At("remote")));
        Assert.Equal("true", File.ReadAllText(folder.At("ship")));
        Assert.DoesNotContain(token, string.Join(' ', Words("submitted").Concat(Words("driven"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task The_exit_code_and_what_is_said_are_the_drivers(int code)
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, $"echo rows; echo progress >&2; exit {code}", "job");
        Assert.Equal(code, await run.ExitCodeAsync());
        Assert.Equal("rows\n", run.Output);
        Assert.Equal("progress\n", run.Error);
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Theory]
    [InlineData("INT", "interrupted")]
    [InlineData("TERM", "terminated")]
    [InlineData("HUP", "terminated")]
    public async Task A_signal_ends_the_driver_in_order_and_then_the_server(string signal, string told)
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, Listens, "job");
        await run.WrittenAsync(folder, "ready");
        run.Signal(signal);
        Assert.Equal(7, await run.ExitCodeAsync());
        Assert.Equal($"{told}, the server runs\n", File.ReadAllText(folder.At("signals")));
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_signal_while_the_server_starts_stops_that()
    {
        using var run = SubmitProcess.Fake(folder, "exec sleep 600", Ends, "job");
        await run.WrittenAsync(folder, "server-pid");
        run.Signal("TERM");
        Assert.Equal(143, await run.ExitCodeAsync());
        Assert.False(File.Exists(folder.At("driven")));
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_driver_that_is_killed_takes_the_server_with_it()
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, Listens, "job");
        await run.WrittenAsync(folder, "ready");
        SubmitProcess.Signal("KILL", await run.WrittenAsync(folder, "driver-pid"));
        Assert.Equal(137, await run.ExitCodeAsync());
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task When_it_is_killed_itself_the_server_is_stopped_all_the_same()
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, Listens, "job");
        await run.WrittenAsync(folder, "ready");
        var driver = await run.WrittenAsync(folder, "driver-pid");
        run.Signal("KILL");
        Assert.Equal(137, await run.ExitCodeAsync());
        SubmitProcess.Signal("KILL", driver);
        // What stops it also removes the server's files, as the last.
        while (Directory.GetFileSystemEntries(folder.At("tmp")).Length > 0 || SubmitProcess.Left(folder).Count > 0) await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_server_that_does_not_heed_the_polite_signal_is_killed_with_its_children()
    {
        using var run = SubmitProcess.Fake(folder, "trap '' TERM; sleep 600 & echo 'Spark Connect server started at: [::]:1'; while :; do sleep 1; done", Ends, "job");
        Assert.True(await run.ExitCodeAsync() == 0, run.Error);
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_server_that_dies_ends_the_driver_and_its_last_words_are_shown()
    {
        using var run = SubmitProcess.Fake(
            folder, "echo 'Spark Connect server started at: [::]:1'; while [ ! -e \"$FAKE/ready\" ]; do sleep 0.05; done; echo out of heap; exit 3", "trap 'exit 5' TERM; echo > \"$FAKE/ready\"; while :; do sleep 0.05; done", "job");
        Assert.Equal(5, await run.ExitCodeAsync());
        Assert.Contains("server ended", run.Error, StringComparison.Ordinal);
        Assert.Contains("out of heap", run.Error, StringComparison.Ordinal);
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_server_that_does_not_start_is_shown_with_its_errors_and_no_driver_is_started()
    {
        using var run = SubmitProcess.Fake(folder, "echo 'WARN harmless'; echo 'ERROR SparkContext: no master'; exit 1", Ends, "--server-log", "kept.log", "job");
        Assert.Equal(1, await run.ExitCodeAsync());
        Assert.Contains("spark: ERROR SparkContext: no master", run.Error, StringComparison.Ordinal);
        Assert.Contains("did not start", run.Error, StringComparison.Ordinal);
        Assert.Contains("no master", File.ReadAllText(folder.At("user's folder", "kept.log")), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("driven")));
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_server_that_never_says_its_port_is_given_up_after_the_time_to_wait()
    {
        using var run = SubmitProcess.Fake(folder, "exec sleep 600", Ends, "--wait", "1", "job");
        Assert.Equal(1, await run.ExitCodeAsync());
        Assert.Contains("within 1 s (--wait)", run.Error, StringComparison.Ordinal);
        SubmitProcess.AssertNothingLeft(folder);
    }

    [Fact]
    public async Task A_Spark_without_its_Connect_server_is_told_the_package()
    {
        Directory.CreateDirectory(folder.At("home", "jars"));
        File.WriteAllText(folder.At("home", "jars", "spark-core_2.12-3.5.7.jar"), "");
        using var run = SubmitProcess.Fake(folder, "echo 'Error: Failed to load class org.apache.spark.sql.connect.service.SparkConnectServer.'; exit 101", Ends, "job");
        Assert.Equal(1, await run.ExitCodeAsync());
        Assert.Contains("--packages org.apache.spark:spark-connect_2.12:3.5.7", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_runs_is_used_and_none_is_started()
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, Ends, "--remote", "sc://h:1/;token=t", "job", "--force");
        Assert.True(await run.ExitCodeAsync() == 0, run.Error);
        Assert.False(File.Exists(folder.At("submitted")));
        Assert.Equal("sc://h:1/;token=t", File.ReadAllText(folder.At("remote")));
        Assert.Equal(["run", "job", "--engine", "spark", "--force"], Words("driven"));
    }

    [Fact]
    public async Task Without_Spark_it_says_what_to_install_and_that_there_may_be_one_elsewhere()
    {
        using var run = SubmitProcess.Start(folder, new Dictionary<string, string> { ["BATCHML_PROGRAM"] = "/bin/true", ["PATH"] = "/usr/bin:/bin" }, "job");
        Assert.Equal(1, await run.ExitCodeAsync());
        Assert.Contains("SPARK_HOME", run.Error, StringComparison.Ordinal);
        Assert.Contains("Java 17", run.Error, StringComparison.Ordinal);
        Assert.Contains("--remote sc://", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expected client", "--deploy-mode", "cluster", "job")]
    [InlineData("expected client", "--conf", "spark.submit.deployMode=cluster", "job")]
    [InlineData("'--from' is no option of spark-submit", "--from", "2013-10-01", "job")]
    [InlineData("No job is named", "--master", "local")]
    [InlineData("has no value", "--master")]
    [InlineData("--wait is 'soon'", "--wait", "soon", "job")]
    [InlineData("Got --remote and --master", "--master", "local", "--remote", "sc://h", "job")]
    [InlineData("of no use here", "--class", "X", "job")]
    public async Task Misuse_is_told_before_anything_starts(string said, params string[] args)
    {
        using var run = SubmitProcess.Fake(folder, SubmitProcess.Serves, Ends, args);
        Assert.Equal(2, await run.ExitCodeAsync());
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("submitted")) || File.Exists(folder.At("driven")));
    }
}
