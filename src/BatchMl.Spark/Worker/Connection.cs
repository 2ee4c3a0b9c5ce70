using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;

namespace BatchMl.Spark.Worker;

/// <summary>One connection with the JVM: who are you, then task after task, each with its rows, until the JVM closes it.</summary>
sealed class Connection(NetworkStream stream, WorkerContext context)
{
    readonly WireReader input = new(stream);
    readonly TaskOutput output = new(stream);

    /// <summary>As a daemon's connection: the process id, then the JVM proves that it knows the secret, and tasks.</summary>
    internal Task AcceptedAsync(CancellationToken stop) => ServeAsync(async cancel =>
    {
        await output.WriteCodeAsync(Environment.ProcessId, cancel);
        var isKnown = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(await ShortTextAsync(cancel)), Encoding.UTF8.GetBytes(context.Environment.Secret));
        await output.WriteTextAsync(isKnown ? "ok" : "err", cancel);
        if (!isKnown) context.Log.Write("a connection was refused: it did not know the secret");
        return isKnown;
    }, stop);

    /// <summary>As a simple worker: we prove ourselves, and then say our process id.</summary>
    internal Task OpenedAsync(CancellationToken stop) => ServeAsync(async cancel =>
    {
        await output.WriteTextAsync(context.Environment.Secret, cancel);
        if (await ShortTextAsync(cancel) != "ok")
        {
            context.Log.Write("Spark did not accept the secret");
            return false;
        }
        await output.WriteCodeAsync(Environment.ProcessId, cancel);
        return true;
    }, stop);

    async Task ServeAsync(Func<CancellationToken, Task<bool>> handshake, CancellationToken stop)
    {
        try
        {
            using (var late = new CancellationTokenSource(context.Environment.AuthenticationTimeout, context.Clock))
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop))
            {
                if (!await handshake(either.Token)) return;
            }
            while (await ServeTaskAsync(stop))
            {
            }
        }
        catch (Exception e) when (e is PeerClosedException or OperationCanceledException)
        {
            // The JVM went away or never said who it is, or the process ends.
        }
        catch (ProtocolException e)
        {
            context.Log.Write(e.Message);
        }
    }

    // A secret or an answer to one: never long, and read before anyone is trusted.
    async Task<string> ShortTextAsync(CancellationToken cancel)
    {
        input.Budget = 4 << 10;
        return await input.StringAsync(cancel);
    }

    // Whether another task follows.
    async Task<bool> ServeTaskAsync(CancellationToken stop)
    {
        if (!await input.MoreAsync(stop)) return false;
        var times = new TaskTimes(context.Clock);
        var name = "a task whose header was not understood";
        TaskInput? rows = null;
        output.Reset();
        try
        {
            if (await HeaderReader.ReadAsync(input, context.Environment, stop) is not { } header) return false;
            name = header.Context.Name;
            var function = context.Functions.Find(header.Command);
            var arrow = await ArrowInput.OpenAsync(input, stop);
            rows = new TaskInput(arrow, input, () => PeerState.HasClosed(stream.Socket), context.Clock, stop);
            times.SetReady();
            await SendAsync(function(Describe(header, arrow.Schema), rows.Batches, rows.Unwanted), rows.Unwanted);
            times.SetFinished();
            await output.WriteEndAsync(times, header.Spark, stop);
            return await AgreeOnReuseAsync(rows, stop);
        }
        catch (Exception) when (rows?.Unwanted.IsCancellationRequested == true)
        {
            context.Log.Write($"{name}: stopped, Spark no longer wants its rows");
            return false;
        }
        catch (Exception e) when (e is not PeerClosedException && !stop.IsCancellationRequested)
        {
            await FailAsync(name, e, rows, stop);
            return false;
        }
        finally
        {
            if (rows is not null) await rows.DisposeAsync();
        }
    }

    // One batch is sent while the function makes the next.
    async Task SendAsync(IAsyncEnumerable<RecordBatch> batches, CancellationToken cancel)
    {
        var sending = Task.CompletedTask;
        try
        {
            await foreach (var batch in batches.WithCancellation(cancel))
            {
                try
                {
                    await sending;
                }
                catch
                {
                    batch.Dispose();
                    throw;
                }
                sending = output.WriteAsync(batch, cancel);
            }
        }
        finally
        {
            await sending;
        }
    }

    async Task<bool> AgreeOnReuseAsync(TaskInput rows, CancellationToken stop)
    {
        // A function that did not want all its rows leaves the rest in the connection, which then ends with the task.
        var isWhole = rows.IsAtEnd && await rows.CodeAfterEnd == Codes.EndOfStream;
        if (!isWhole) await rows.AbandonAsync();
        await output.WriteCodeAsync(isWhole ? Codes.EndOfStream : Codes.EndOfDataSection, stop);
        if (isWhole && context.Environment.ReusesConnections) return await rows.MoreTasks;
        await rows.AbandonAsync();
        await input.DrainAsync(stop);
        return false;
    }

    async Task FailAsync(string name, Exception error, TaskInput? rows, CancellationToken stop)
    {
        context.Log.Write($"{name}: {error}");
        if (rows is not null) await rows.AbandonAsync();
        // Within a message nothing can be said any more: Spark sees that the worker ended, and its log says why.
        if (output.IsBroken) return;
        var text = WorkerError.Format(error);
        await output.WriteErrorAsync(context.Environment.HidesStack ? $"{text.AsSpan(0, text.IndexOf('\n', StringComparison.Ordinal))}\n{error.Message}" : text, stop);
        await input.DrainAsync(stop);
    }

    WorkerTask Describe(TaskHeader header, Schema input) => new()
    {
        Command = header.Command,
        InputSchema = input,
        StageId = header.Context.StageId,
        PartitionId = header.Context.PartitionId,
        Attempt = header.Context.Attempt,
        TaskAttemptId = header.Context.TaskAttemptId,
        Cpus = header.Context.Cpus,
        LocalProperties = header.Context.LocalProperties,
        FilesFolder = header.FilesFolder,
        GpuAddresses = header.Context.Resources.GetValueOrDefault("gpu", []),
        SparkVersion = header.Spark,
        SessionId = context.Environment.SessionId,
        Shared = context.Shared,
    };
}
