using System.Net;
using System.Net.Sockets;
using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>The jobs program in the place of Python, as a process.</summary>
public sealed class ProcessTests
{
    static readonly string[] DaemonArgs = ["-m", "pyspark.daemon", "pyspark.worker"];
    static readonly TaskBytes Identity = new() { Spark = "4.1", PythonVersion = "dotnet1/spark4.1", Command = NamedFunctions.Command(NamedFunctions.IdentityName) };

    [Fact]
    public async Task A_daemon_says_its_own_process_id_serves_tasks_and_ends_with_its_standard_input()
    {
        using var worker = new WorkerProcess(DaemonArgs);
        using var jvm = await worker.ConnectAsync();
        Assert.Equal(worker.Id, jvm.Authenticate());
        for (var i = 0; i < 3; i++)
        {
            jvm.Send(Identity.With(TaskBytes.Numbers(2, 5)));
            Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        }
        await worker.Input.WriteAsync(TaskBytes.BigEndian(worker.Id), TestContext.Current.CancellationToken);
        await worker.Input.FlushAsync(TestContext.Current.CancellationToken);
        jvm.Send(Identity.With(TaskBytes.Numbers(1, 1)));
        Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        worker.Input.Close();
        Assert.Equal(0, (await worker.EndedAsync()).ExitCode);
        Assert.Equal(-1, worker.Output.ReadByte());
    }

    [Fact]
    public async Task A_daemon_ends_when_it_is_terminated_though_a_connection_is_open()
    {
        using var worker = new WorkerProcess(["-m", "pyspark.daemon"]);
        using var jvm = await worker.ConnectAsync();
        jvm.Authenticate();
        worker.Terminate();
        Assert.Equal(0, (await worker.EndedAsync()).ExitCode);
        Assert.True(jvm.Reply.IsAtEnd);
    }

    [Fact]
    public async Task A_function_that_there_is_not_reaches_Spark_and_the_log_without_properties_or_secrets()
    {
        using var worker = new WorkerProcess(DaemonArgs);
        using var jvm = await worker.ConnectAsync();
        jvm.Authenticate();
        jvm.Send(new TaskBytes { Spark = "4.3", PythonVersion = "3.11", Json = """{"secret":"TOPSECRET","stageId":2,"partitionId":1,"attemptNumber":0,"taskAttemptId":7,"cpus":1,"resources":{},"localProperties":{"password":"HUSH"}}""" }.With(TaskBytes.Numbers(1, 1)));
        var error = WorkerError.Find(Assert.Single(jvm.Reply.Task(true)))!;
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Contains("no function 'M', only", error.Message, StringComparison.Ordinal);
        worker.Input.Close();
        var log = (await worker.EndedAsync()).Error;
        Assert.Contains("stage 2, partition 1, attempt 0 (task 7)", log, StringComparison.Ordinal);
        foreach (var secret in (string[])["TOPSECRET", "HUSH", InProcessWorker.Secret]) Assert.DoesNotContain(secret, log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_simple_worker_serves_one_connection_and_ends()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var worker = new WorkerProcess(["-m", "pyspark.worker"], ("PYTHON_WORKER_FACTORY_PORT", $"{((IPEndPoint)listener.LocalEndpoint).Port}"));
        using (var jvm = new JvmSide(await listener.AcceptTcpClientAsync(InProcessWorker.Deadline())))
        {
            Assert.Equal(InProcessWorker.Secret, jvm.Reply.Text());
            jvm.SendText("ok");
            Assert.Equal(worker.Id, jvm.Reply.Int32());
            jvm.Send(Identity.With(TaskBytes.Numbers(1, 3)));
            Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        }
        Assert.Equal(0, (await worker.EndedAsync()).ExitCode);
    }

    [Fact]
    public async Task Unix_sockets_are_refused_before_a_port_is_told_and_say_which_setting_to_change()
    {
        using var worker = new WorkerProcess(DaemonArgs, ("PYTHON_UNIX_DOMAIN_ENABLED", "True"));
        var (code, error) = await worker.EndedAsync();
        Assert.Equal(1, code);
        Assert.Contains("spark.python.unix.domain.socket.enabled=false", error, StringComparison.Ordinal);
        Assert.Equal(-1, worker.Output.ReadByte());
    }
}
