using System.Runtime.CompilerServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Worker;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>What happens on connections with the worker when something is not as in the recordings.</summary>
public sealed class ConnectionTests
{
    static readonly TaskBytes Task41 = new() { Spark = "4.1", PythonVersion = "dotnet1/spark4.1" };

    [Fact]
    public async Task A_wrong_secret_is_refused_and_the_connection_closed()
    {
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity);
        using var jvm = worker.Connect();
        jvm.Reply.Int32();
        jvm.SendText("a-secret-of-the-testz");
        Assert.Equal("err", jvm.Reply.Text());
        Assert.True(jvm.Reply.IsAtEnd);
    }

    [Fact]
    public async Task A_secret_without_end_is_refused_before_it_is_read()
    {
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity);
        using var jvm = worker.Connect();
        jvm.Reply.Int32();
        jvm.Send(TaskBytes.BigEndian(1_000_000));
        Assert.True(jvm.Reply.IsAtEnd);
    }

    [Fact]
    public async Task Who_never_says_the_secret_is_let_go()
    {
        var clock = new FakeTimeProvider();
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity, clock: clock);
        using var jvm = worker.Connect();
        jvm.Reply.Int32();
        // The worker has said its process id; its deadline may be set a moment before or after.
        while (!jvm.Stream.DataAvailable && !jvm.Stream.Socket.Poll(10_000, System.Net.Sockets.SelectMode.SelectRead)) clock.Advance(TimeSpan.FromSeconds(16));
        Assert.True(jvm.Reply.IsAtEnd);
    }

    [Theory]
    [InlineData(0, "error")]
    [InlineData(1, "stream,column _0: struct<n: int64 not null>,row (0),row (1),error")]
    public async Task An_error_comes_after_the_rows_before_it_with_type_message_kind_and_stack(int at, string expected)
    {
        await using var worker = await InProcessWorker.StartAsync(Functions.FailAt(at, new BatchMlException("the | file is\nnot there", FailureKind.Transient)));
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(Task41.With(TaskBytes.Numbers(3, 2)));
        var said = jvm.Reply.Task(hasProcessingTime: false);
        Assert.Equal(expected, string.Join(',', said.Select(l => l.StartsWith("error", StringComparison.Ordinal) ? "error" : l)));
        Assert.Equal(new WorkerError(FailureKind.Transient, "BatchMl.BatchMlException", "the | file is\nnot there"), WorkerError.Find(said[^1]));
        Assert.Contains("at BatchMl.Spark.Tests.Worker.Functions", said[^1], StringComparison.Ordinal);
        // It waits for the JVM to read that, and to close.
        jvm.EndSending();
        Assert.True(jvm.Reply.IsAtEnd);
        Assert.Contains("stage 2, partition 1, attempt 0 (task 7)", worker.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_Spark_hides_stacks_only_the_message_is_sent()
    {
        await using var worker = await InProcessWorker.StartAsync(Functions.FailAt(0), new Dictionary<string, string> { ["SPARK_HIDE_TRACEBACK"] = "1", ["SPARK_REUSE_WORKER"] = "1" });
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(Task41.With(TaskBytes.Numbers(1, 2)));
        var said = Assert.Single(jvm.Reply.Task(hasProcessingTime: false));
        Assert.Equal("boom: batch 0", WorkerError.Find(said)!.Message);
        Assert.DoesNotContain(" at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_is_no_function_is_an_error_that_names_those_there_are()
    {
        var functions = new NamedFunctions(new Dictionary<string, WorkerFunction> { ["identity"] = NamedFunctions.Identity });
        Assert.NotNull(functions.Find(NamedFunctions.Command("identity", "{}"u8)));
        Assert.Equal("{}"u8, NamedFunctions.Argument(NamedFunctions.Command("identity", "{}"u8)).Span);
        Assert.Empty(NamedFunctions.Argument(NamedFunctions.Command("identity")).ToArray());
        var error = Assert.Throws<BatchMlException>(() => functions.Find(new byte[] { 0x80, 0x05, 0x95 }));
        Assert.Contains("only identity", error.Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Columns_that_Spark_can_not_read_are_an_error_that_names_them()
    {
        await using var worker = await InProcessWorker.StartAsync(Unsigned);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(Task41.With(TaskBytes.Numbers(1, 2)));
        Assert.Contains("Column 'u' is of Arrow type uint32", WorkerError.Find(Assert.Single(jvm.Reply.Task(false)))!.Message, StringComparison.Ordinal);

        static async IAsyncEnumerable<RecordBatch> Unsigned(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            await foreach (var batch in input.WithCancellation(cancel))
                yield return new RecordBatch(new Schema([new Field("u", UInt32Type.Default, false)], null), [new UInt32Array.Builder().AppendRange([1, 2]).Build()], batch.Length);
        }
    }

    [Fact]
    public async Task Batches_of_other_columns_than_the_first_are_an_error()
    {
        await using var worker = await InProcessWorker.StartAsync(Changing);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(Task41.With(TaskBytes.Numbers(2, 2)));
        var said = jvm.Reply.Task(false);
        Assert.Equal("stream", said[0]);
        Assert.Contains("expected int64", WorkerError.Find(said[^1])!.Message, StringComparison.Ordinal);

        static async IAsyncEnumerable<RecordBatch> Changing(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            var isFirst = true;
            await foreach (var batch in input.WithCancellation(cancel))
            {
                yield return isFirst ? batch : new RecordBatch(new Schema([new Field("n", DoubleType.Default, false)], null), [new DoubleArray.Builder().AppendRange([1, 2]).Build()], 2);
                isFirst = false;
            }
        }
    }

    [Fact]
    public async Task A_slice_of_a_batch_is_sent_as_its_own_rows_only()
    {
        await using var worker = await InProcessWorker.StartAsync(Halves);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(Task41.With(TaskBytes.Numbers(1, 21)));
        var said = jvm.Reply.Task(false);
        Assert.Equal(Enumerable.Range(0, 21).Select(n => $"row ({n})"), said.Where(l => l.StartsWith("row", StringComparison.Ordinal)));

        static async IAsyncEnumerable<RecordBatch> Halves(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            await foreach (var batch in input.WithCancellation(cancel))
            {
                yield return batch.Slice(0, 9);
                yield return batch.Slice(9, batch.Length - 9);
            }
        }
    }

    [Fact]
    public async Task A_function_that_stops_early_ends_its_connection_in_order()
    {
        await using var worker = await InProcessWorker.StartAsync(First);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        // Far more than the connection and the worker's read-ahead hold.
        var rows = TaskBytes.Numbers(200, 20_000);
        var sending = Task.Run(() => jvm.Send(Task41.With(rows)), TestContext.Current.CancellationToken);
        var said = jvm.Reply.Task(false);
        Assert.Equal(20_000, said.Count(l => l.StartsWith("row", StringComparison.Ordinal)));
        Assert.Equal(["times, spilled 0 0", "accumulators 0", "end -1"], said[^3..]);
        await sending.WaitAsync(InProcessWorker.Deadline());
        jvm.EndSending();
        Assert.True(jvm.Reply.IsAtEnd);

        static async IAsyncEnumerable<RecordBatch> First(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            await foreach (var batch in input.WithCancellation(cancel))
            {
                yield return batch;
                yield break;
            }
        }
    }

    [Fact]
    public async Task A_function_is_cancelled_when_Spark_closes_the_connection_before_during_and_after_the_input()
    {
        var rows = TaskBytes.Numbers(2, 2);
        var whole = Task41.With(rows);
        foreach (var sent in (int[])[whole.Length, whole.Length - 4, Task41.Header().Length + rows.Length / 2])
        {
            var (begun, cancelled) = (new TaskCompletionSource(), new TaskCompletionSource());
            await using var worker = await InProcessWorker.StartAsync((task, input, cancel) => Waiting(begun, cancelled, cancel));
            using var jvm = worker.Connect();
            jvm.Authenticate();
            jvm.Send(whole.AsSpan(0, sent));
            await begun.Task.WaitAsync(InProcessWorker.Deadline());
            jvm.Dispose();
            await cancelled.Task.WaitAsync(InProcessWorker.Deadline());
        }

        static async IAsyncEnumerable<RecordBatch> Waiting(TaskCompletionSource begun, TaskCompletionSource cancelled, [EnumeratorCancellation] CancellationToken cancel)
        {
            begun.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancel);
            }
            finally
            {
                cancelled.SetResult();
            }
            yield break;
        }
    }

    [Fact]
    public async Task Reading_goes_ahead_by_one_batch_and_no_further()
    {
        var (proceed, first, pulled) = (new SemaphoreSlim(0), new TaskCompletionSource(), 0);
        await using var worker = await InProcessWorker.StartAsync((task, input, cancel) => Slow(input, cancel));
        using var jvm = worker.Connect();
        jvm.Authenticate();
        // 64 MB: what the JVM can send is what the worker takes and the sockets hold.
        var task = Task41.With(TaskBytes.Numbers(64, 128 << 10));
        var sending = Task.Run(() => jvm.Send(task), TestContext.Current.CancellationToken);
        await first.Task.WaitAsync(InProcessWorker.Deadline());
        await Task.WhenAny(sending, Task.Delay(300, TestContext.Current.CancellationToken));
        Assert.False(sending.IsCompleted);
        Assert.Equal(1, pulled);
        proceed.Release(64);
        Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        await sending;

        async IAsyncEnumerable<RecordBatch> Slow(IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            await foreach (var batch in input.WithCancellation(cancel))
            {
                pulled++;
                first.TrySetResult();
                batch.Dispose();
                await proceed.WaitAsync(cancel);
            }
            yield break;
        }
    }

    [Fact]
    public async Task Tasks_at_the_same_time_share_a_value_that_is_loaded_once()
    {
        var loads = 0;
        await using var worker = await InProcessWorker.StartAsync(Shared);
        var connections = Enumerable.Range(0, 8).Select(_ => worker.Connect()).ToList();
        Parallel.ForEach(connections, jvm =>
        {
            jvm.Authenticate();
            for (var task = 0; task < 5; task++)
            {
                jvm.Send(Task41.With(TaskBytes.Numbers(3, 100)));
                Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
            }
        });
        Assert.Equal(1, loads);
        connections.ForEach(c => c.Dispose());

        async IAsyncEnumerable<RecordBatch> Shared(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            using var model = await task.Shared.RentAsync("model", async () =>
            {
                await Task.Yield();
                Interlocked.Increment(ref loads);
                return new StringBuilder("loaded");
            }, cancel);
            Assert.Equal("loaded", model.Value.ToString());
            await foreach (var batch in input.WithCancellation(cancel)) yield return batch;
        }
    }

    [Fact]
    public async Task A_request_to_kill_is_not_heeded_and_the_end_of_standard_input_is()
    {
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity);
        using var jvm = worker.Connect();
        jvm.Authenticate();
        await worker.StandardInput.WriteAsync(TaskBytes.BigEndian(Environment.ProcessId), TestContext.Current.CancellationToken);
        jvm.Send(Task41.With(TaskBytes.Numbers(1, 2)));
        Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        Assert.False(worker.Ended.IsCompleted);
        await worker.StandardInput.CompleteAsync();
        await worker.Ended.WaitAsync(InProcessWorker.Deadline());
    }

    [Fact]
    public async Task A_daemon_without_connections_ends_after_two_minutes_and_one_with_a_connection_does_not()
    {
        var clock = new FakeTimeProvider();
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity, clock: clock);
        using (var jvm = worker.Connect())
        {
            jvm.Authenticate();
            clock.Advance(TimeSpan.FromMinutes(10));
            jvm.Send(Task41.With(TaskBytes.Numbers(1, 2)));
            Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        }
        Assert.False(worker.Ended.IsCompleted);
        // How soon it sees that the connection is gone is the kernel's matter.
        while (await Task.WhenAny(worker.Ended, Task.Delay(10, TestContext.Current.CancellationToken)) != worker.Ended) clock.Advance(TimeSpan.FromMinutes(2));
        Assert.ThrowsAny<System.Net.Sockets.SocketException>(() => worker.Connect());
    }
}
