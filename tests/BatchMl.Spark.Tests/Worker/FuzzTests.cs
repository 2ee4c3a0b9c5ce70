using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>Damaged conversations: each ends with an answer, an error or a closed connection, never with a worker that hangs, ends or takes memory for bytes that never come.</summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Versions() => [.. Recording.Versions];

    [Theory, MemberData(nameof(Versions))]
    public async Task A_conversation_that_is_cut_anywhere_ends_in_order(string version)
    {
        var recording = new Recording(version, "types.0");
        var random = new Random(1);
        var length = recording.FromJvm.Length;
        // Every place within the first fields and the last bytes, and some of the others.
        var cuts = Enumerable.Range(0, 150).Concat(Enumerable.Range(length - 60, 60)).Concat(Enumerable.Range(0, 150).Select(_ => random.Next(length)));
        await PlayAsync(recording, cuts.Select(cut => recording.FromJvm[..cut]));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Flipped_bytes_end_in_order(string version)
    {
        var recording = new Recording(version, "types.0");
        var random = new Random(2);
        await PlayAsync(recording, Enumerable.Range(0, 600).Select(_ =>
        {
            var bytes = recording.FromJvm.ToArray();
            // Behind the secret; mostly in the rows and their description, where most of the fields are.
            for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(random.Next(3) == 0 ? 68 : bytes.Length - 4000, bytes.Length)] ^= (byte)(1 << random.Next(8));
            return bytes;
        }));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Lengths_beyond_measure_end_in_order_and_take_no_memory(string version)
    {
        var recording = new Recording(version, "map.0");
        var random = new Random(3);
        var before = GC.GetTotalAllocatedBytes();
        await PlayAsync(recording, Enumerable.Range(0, 200).Select(_ =>
        {
            var bytes = recording.FromJvm.ToArray();
            byte[] huge = random.Next(2) == 0 ? [0x7f, 0xff, 0xff, 0xf0] : [0xf0, 0xff, 0xff, 0x7f];
            huge.CopyTo(bytes, random.Next(68, bytes.Length - 4));
            return bytes;
        }));
        // 17 MB are the first step of reading anything long.
        Assert.InRange((GC.GetTotalAllocatedBytes() - before) / 200, 0, 20 << 20);
    }

    [Fact]
    public async Task Garbage_ends_in_order()
    {
        var random = new Random(4);
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity);
        for (var i = 0; i < 200; i++)
        {
            var bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            // Half of it begins as a task would.
            if (i % 2 == 0) TaskBytes.BigEndian(i % 4 == 0 ? -8 : 0).AsSpan(0, Math.Min(4, bytes.Length)).CopyTo(bytes);
            using var jvm = worker.Connect();
            jvm.Authenticate();
            End(jvm, bytes);
        }
        await AssertServesAsync(worker);
    }

    static async Task PlayAsync(Recording recording, IEnumerable<byte[]> conversations)
    {
        var (args, environment) = recording.Launch();
        await using var worker = await InProcessWorker.StartAsync(Functions.Identity, environment, args);
        foreach (var bytes in conversations)
        {
            using var jvm = worker.Connect();
            End(jvm, bytes);
        }
        Assert.DoesNotContain("defect of the worker", worker.Log.ToString(), StringComparison.Ordinal);
        using var whole = worker.Connect();
        whole.Reply.Int32();
        whole.Send(recording.FromJvm);
        whole.Reply.Text();
        Assert.Equal("end -4", whole.Reply.Task(recording.HasProcessingTime)[^1]);
    }

    static async Task AssertServesAsync(InProcessWorker worker)
    {
        using var jvm = worker.Connect();
        jvm.Authenticate();
        jvm.Send(new TaskBytes().With(TaskBytes.Numbers(1, 3)));
        Assert.Equal("end -4", jvm.Reply.Task(false)[^1]);
        Assert.False(worker.Ended.IsCompleted);
        await Task.CompletedTask;
    }

    // Sends, says that nothing more comes, and reads to the end, which the deadline of reads awaits.
    static void End(JvmSide jvm, byte[] bytes)
    {
        try
        {
            jvm.Send(bytes);
            jvm.EndSending();
            var answer = new byte[4096];
            while (jvm.Stream.Read(answer) > 0)
            {
            }
        }
        catch (IOException e) when (e.InnerException is System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.ConnectionReset or System.Net.Sockets.SocketError.Shutdown })
        {
            // Closed by the worker with something of ours unread: as good an end.
        }
    }
}
