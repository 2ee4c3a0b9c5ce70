namespace BatchMl.Spark.Worker;

/// <summary>Reads what precedes a task's data. All that differs between versions of Spark is here, in <see cref="HeaderVersion"/> and in <see cref="JsonContext"/>.</summary>
static class HeaderReader
{
    /// <summary>Most bytes of a header: a real one has 10 KB.</summary>
    internal const int LongestHeader = 64 << 20;

    /// <summary>The next task's header; null when Spark says that there are no more.</summary>
    internal static async Task<TaskHeader?> ReadAsync(WireReader wire, WorkerEnvironment environment, CancellationToken cancel)
    {
        wire.Budget = LongestHeader;
        var first = await wire.Int32Async(cancel);
        TaskHeader? header = first switch
        {
            -1 => null,
            Codes.StartOfInitMessage => await FramedAsync(wire, environment, cancel),
            >= 0 => await PartsAsync(wire, environment, isFramed: false, cancel),
            _ => throw new ProtocolException(
                $"A task begins with {first}, expected a partition's number (Spark 3.5 to 4.2) or {Codes.StartOfInitMessage} (Spark 4.3). A Spark newer than {HeaderVersion.Newest} needs a newer worker."),
        };
        wire.Budget = long.MaxValue;
        return header;
    }

    static async Task<TaskHeader> FramedAsync(WireReader wire, WorkerEnvironment environment, CancellationToken cancel)
    {
        var frame = new WireReader(new MemoryStream(await wire.LengthAndBytesAsync(cancel)));
        try
        {
            await frame.Int32Async(cancel);
            var header = await PartsAsync(frame, environment, isFramed: true, cancel);
            return await frame.MoreAsync(cancel) ? throw new ProtocolException("The header's frame is longer than what is in it.") : header;
        }
        catch (PeerClosedException)
        {
            throw new ProtocolException("The header's frame ends within its fields.");
        }
    }

    // After the partition's index, which the context repeats.
    static async Task<TaskHeader> PartsAsync(WireReader wire, WorkerEnvironment environment, bool isFramed, CancellationToken cancel)
    {
        var tag = await wire.StringAsync(cancel);
        var spark = HeaderVersion.Of(tag, environment, isFramed, (await wire.PeekAsync(HeaderVersion.Telling, cancel)).Span);
        var context = spark >= HeaderVersion.Spark42 ? JsonContext.Parse(await wire.StringAsync(cancel)) : await ContextAsync(wire, spark, cancel);
        var filesFolder = await wire.StringAsync(cancel);
        for (var left = await wire.CountAsync("includes", cancel); left > 0; left--) await wire.StringAsync(cancel);
        if (await wire.BooleanAsync(cancel) || await wire.CountAsync("broadcasts", cancel) > 0) throw new ProtocolException("The task comes with broadcast variables, expected none: Spark Connect has none.");
        var evalType = await wire.Int32Async(cancel);
        if (evalType != Codes.MapInArrow) throw new ProtocolException($"The function's evaluation type is {evalType}, expected {Codes.MapInArrow}: this worker runs mapInArrow and nothing else.");
        await PairsAsync(wire, "runner settings", cancel);
        if (spark >= HeaderVersion.Spark42) await PairsAsync(wire, "evaluation settings", cancel);
        var isProfiled = spark >= HeaderVersion.Spark40 && spark < HeaderVersion.Spark42 && await wire.BooleanAsync(cancel);
        if (isProfiled) await wire.StringAsync(cancel);
        return new TaskHeader(spark, context, filesFolder, await FunctionAsync(wire, spark, isProfiled, cancel));
    }

    static async Task<TaskContext> ContextAsync(WireReader wire, Version spark, CancellationToken cancel)
    {
        var isBarrier = await wire.BooleanAsync(cancel);
        if (isBarrier || spark < HeaderVersion.Spark41)
        {
            // The port and secret of the barrier's server, which is not used.
            await wire.Int32Async(cancel);
            await wire.StringAsync(cancel);
        }
        return new TaskContext
        {
            StageId = await wire.Int32Async(cancel),
            PartitionId = await wire.Int32Async(cancel),
            Attempt = await wire.Int32Async(cancel),
            TaskAttemptId = await wire.Int64Async(cancel),
            Cpus = await wire.Int32Async(cancel),
            Resources = await ResourcesAsync(wire, cancel),
            LocalProperties = await PairsAsync(wire, "local properties", cancel),
        };
    }

    static async Task<Dictionary<string, IReadOnlyList<string>>> ResourcesAsync(WireReader wire, CancellationToken cancel)
    {
        var resources = new Dictionary<string, IReadOnlyList<string>>();
        for (var left = await wire.CountAsync("resources", cancel); left > 0; left--)
        {
            var key = await wire.StringAsync(cancel);
            await wire.StringAsync(cancel);
            var addresses = new List<string>();
            for (var more = await wire.CountAsync("addresses", cancel); more > 0; more--) addresses.Add(await wire.StringAsync(cancel));
            resources[key] = addresses;
        }
        return resources;
    }

    static async Task<Dictionary<string, string>> PairsAsync(WireReader wire, string what, CancellationToken cancel)
    {
        var pairs = new Dictionary<string, string>();
        for (var left = await wire.CountAsync(what, cancel); left > 0; left--)
        {
            var key = await wire.StringAsync(cancel);
            pairs[key] = await wire.StringAsync(cancel);
        }
        return pairs;
    }

    static async Task<byte[]> FunctionAsync(WireReader wire, Version spark, bool isProfiled, CancellationToken cancel)
    {
        RequireOne(await wire.Int32Async(cancel), "functions");
        for (var left = await wire.CountAsync("arguments", cancel); left > 0; left--)
        {
            await wire.Int32Async(cancel);
            if (spark >= HeaderVersion.Spark42 && await wire.BooleanAsync(cancel)) await wire.StringAsync(cancel);
        }
        RequireOne(await wire.Int32Async(cancel), "chained functions");
        var command = await wire.LengthAndBytesAsync(cancel);
        if (isProfiled || spark >= HeaderVersion.Spark42) await wire.Int64Async(cancel);
        return command;
    }

    static void RequireOne(int count, string what)
    {
        if (count != 1) throw new ProtocolException($"The number of {what} is {count}, expected 1.");
    }
}
