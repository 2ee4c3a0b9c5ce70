using System.Net;
using System.Net.Sockets;
using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>The worker is given, over real sockets, exactly what three Sparks sent to Spark's own Python worker, and has to say what that said: codes, schemas, values, counts. Only times and texts of errors differ.</summary>
public sealed class GoldenTests
{
    static readonly Dictionary<string, WorkerFunction> Recorded = new()
    {
        ["map"] = Functions.Double, ["reuse"] = Functions.Double, ["empty"] = Functions.Double, ["barrier"] = Functions.Double, ["gpu-map"] = Functions.Double, ["noreuse-reuse"] = Functions.Double,
        ["no_output"] = Functions.Nothing, ["types"] = Functions.Identity, ["limit"] = Functions.Identity, ["raise"] = Functions.FailAt(0), ["raise_mid"] = Functions.FailAt(1),
        ["simple-map"] = Functions.Double, ["simple-raise"] = Functions.FailAt(0),
    };

    public static TheoryData<string, string> Connections()
    {
        var data = new TheoryData<string, string>();
        foreach (var version in Recording.Versions)
            foreach (var name in (string[])["map.0", "map.1", "reuse.0", "empty.0", "empty.1", "no_output.0", "raise.0", "raise_mid.0", "limit.0", "types.0", "barrier.0", "barrier.1", "gpu-map.0", "gpu-map.1", "noreuse-reuse.0", "noreuse-reuse.1"])
                data.Add(version, name);
        return data;
    }

    public static TheoryData<string, string> SimpleConnections()
    {
        var data = new TheoryData<string, string>();
        foreach (var version in Recording.Versions)
            foreach (var name in (string[])["simple-map.0", "simple-map.1", "simple-raise.0"]) data.Add(version, name);
        return data;
    }

    [Theory, MemberData(nameof(Connections))]
    public async Task A_daemon_answers_as_Python_did(string version, string connection)
    {
        var recording = new Recording(version, connection);
        var expected = Expected(recording, isSimple: false);
        var (args, environment) = recording.Launch();
        await using var worker = await InProcessWorker.StartAsync(Recorded[connection.Split('.')[0]], environment, args);
        using var jvm = worker.Connect();
        Assert.Equal(Environment.ProcessId, jvm.Reply.Int32());
        jvm.Send(recording.FromJvm);
        Assert.Equal("ok", jvm.Reply.Text());
        foreach (var task in expected) AssertSame(task, jvm.Reply.Task(recording.HasProcessingTime));
        jvm.EndSending();
        Assert.True(jvm.Reply.IsAtEnd);
    }

    [Theory, MemberData(nameof(SimpleConnections))]
    public async Task A_simple_worker_answers_as_Python_did(string version, string connection)
    {
        var recording = new Recording(version, connection);
        var expected = Expected(recording, isSimple: true);
        var (args, environment) = recording.Launch();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        environment["PYTHON_WORKER_FACTORY_PORT"] = $"{((IPEndPoint)listener.LocalEndpoint).Port}";
        environment["PYTHON_WORKER_FACTORY_SECRET"] = "theirs";
        await using var worker = await InProcessWorker.StartAsync(Recorded[connection.Split('.')[0]], environment, args);
        using var jvm = new JvmSide(await listener.AcceptTcpClientAsync(InProcessWorker.Deadline()));
        Assert.Equal("theirs", jvm.Reply.Text());
        jvm.Send(recording.FromJvm);
        Assert.Equal(Environment.ProcessId, jvm.Reply.Int32());
        foreach (var task in expected) AssertSame(task, jvm.Reply.Task(recording.HasProcessingTime));
        jvm.EndSending();
        Assert.True(jvm.Reply.IsAtEnd);
        await worker.Ended.WaitAsync(InProcessWorker.Deadline());
    }

    [Theory, InlineData("3.5.7"), InlineData("4.1.4"), InlineData("4.3.0")]
    public async Task Where_packets_are_cut_makes_no_difference(string version)
    {
        var recording = new Recording(version, "reuse.0");
        var expected = Expected(recording, isSimple: false);
        var (args, environment) = recording.Launch();
        await using var worker = await InProcessWorker.StartAsync(Functions.Double, environment, args);
        using var jvm = worker.Connect();
        jvm.Reply.Int32();
        var sending = Task.Run(() =>
        {
            for (var at = 0; at < recording.FromJvm.Length; at += 3) jvm.Send(recording.FromJvm.AsSpan(at, Math.Min(3, recording.FromJvm.Length - at)));
        }, TestContext.Current.CancellationToken);
        Assert.Equal("ok", jvm.Reply.Text());
        foreach (var task in expected) AssertSame(task, jvm.Reply.Task(recording.HasProcessingTime));
        await sending;
    }

    [Theory, InlineData("3.5.7", "3.5"), InlineData("4.1.4", "4.1"), InlineData("4.3.0", "4.3")]
    public async Task A_function_is_told_which_task_it_is(string version, string spark)
    {
        var recording = new Recording(version, "gpu-map.0");
        var (args, environment) = recording.Launch();
        WorkerTask? told = null;
        await using var worker = await InProcessWorker.StartAsync((task, input, cancel) =>
        {
            told = task;
            return Functions.Double(task, input, cancel);
        }, environment, args);
        using var jvm = worker.Connect();
        jvm.Reply.Int32();
        jvm.Send(recording.FromJvm);
        jvm.Reply.Text();
        jvm.Reply.Task(recording.HasProcessingTime);
        Assert.NotNull(told);
        Assert.Equal(Version.Parse(spark), told.SparkVersion);
        Assert.Equal(["0"], told.GpuAddresses);
        Assert.Equal(["id: int64 not null", "x: double", "s: utf8"], told.InputSchema.FieldsList.Select(ArrowText.Of));
        Assert.Equal(environment["SPARK_JOB_ARTIFACT_UUID"], told.SessionId);
        Assert.EndsWith(told.SessionId, told.FilesFolder, StringComparison.Ordinal);
        Assert.Equal("value-of-a-session-conf", told.LocalProperties["spark.batchml.example"]);
        Assert.Equal(1, told.Cpus);
        Assert.Equal(0, told.Attempt);
        Assert.True(jvm.Reply.Times[0] <= jvm.Reply.Times[1] && jvm.Reply.Times[1] <= jvm.Reply.Times[2]);
    }

    static List<List<string>> Expected(Recording recording, bool isSimple)
    {
        var bytes = new MemoryStream(recording.FromPython);
        var reply = new Reply(bytes);
        if (isSimple)
        {
            reply.Text();
            reply.Int32();
        }
        else
        {
            reply.Int32();
            Assert.Equal("ok", reply.Text());
        }
        var tasks = new List<List<string>>();
        while (bytes.Position < bytes.Length) tasks.Add(reply.Task(recording.HasProcessingTime));
        // Python also complains when the JVM closes the connection after a task whose rows it no longer wants. Nobody reads that.
        if (tasks.Count > 1 && tasks[^1] is [{ } last] && last.Contains("EOFError", StringComparison.Ordinal)) tasks.RemoveAt(tasks.Count - 1);
        return tasks;
    }

    static void AssertSame(List<string> expected, List<string> actual)
    {
        string Kind(string line) => line.StartsWith("error", StringComparison.Ordinal) ? "error" : line;
        Assert.Equal(expected.Select(Kind), actual.Select(Kind));
        if (actual[^1].StartsWith("error", StringComparison.Ordinal)) Assert.Equal(new WorkerError(FailureKind.Permanent, "BatchMl.DataException", WorkerError.Find(actual[^1])!.Message), WorkerError.Find(actual[^1]));
    }
}
