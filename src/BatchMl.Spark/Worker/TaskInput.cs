using System.Threading.Channels;
using Apache.Arrow;

namespace BatchMl.Spark.Worker;

/// <summary>
/// Reads a task's input ahead of its function, one batch at most, so that the JVM, the function and the connection work at the same time. Meanwhile it watches the connection, since that it is closed is the only way
/// in which Spark says that it no longer wants the rows.
/// </summary>
sealed class TaskInput : IAsyncDisposable
{
    // How soon a function is stopped that does not read.
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    readonly Channel<RecordBatch> ahead = Channel.CreateBounded<RecordBatch>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });
    readonly TaskCompletionSource<int> codeAfterEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly CancellationTokenSource unwanted;
    readonly CancellationTokenSource abandoned;
    readonly ITimer watch;
    volatile bool isStalled;

    internal TaskInput(ArrowInput arrow, WireReader wire, Func<bool> hasPeerClosed, TimeProvider clock, CancellationToken stop)
    {
        unwanted = CancellationTokenSource.CreateLinkedTokenSource(stop);
        abandoned = CancellationTokenSource.CreateLinkedTokenSource(stop);
        watch = clock.CreateTimer(_ =>
        {
            if (isStalled && hasPeerClosed()) SetUnwanted();
        }, null, Look, Look);
        MoreTasks = Task.Run(() => ReadAsync(arrow, wire), CancellationToken.None);
    }

    /// <summary>The batches; fails with what went wrong in reading.</summary>
    internal IAsyncEnumerable<RecordBatch> Batches => ahead.Reader.ReadAllAsync(unwanted.Token);

    /// <summary>Cancelled when the connection is closed.</summary>
    internal CancellationToken Unwanted => unwanted.Token;

    /// <summary>Whether the data's end marker was read.</summary>
    internal bool IsAtEnd { get; private set; }

    /// <summary>The integer behind the data's end.</summary>
    internal Task<int> CodeAfterEnd => codeAfterEnd.Task;

    /// <summary>Whether another task follows on the connection.</summary>
    internal Task<bool> MoreTasks { get; }

    /// <summary>Reads no further; what was read ahead is dropped.</summary>
    internal async Task AbandonAsync()
    {
        await abandoned.CancelAsync();
        await MoreTasks;
        while (ahead.Reader.TryRead(out var batch)) batch.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await watch.DisposeAsync();
        await AbandonAsync();
        unwanted.Dispose();
        abandoned.Dispose();
    }

    async Task<bool> ReadAsync(ArrowInput arrow, WireReader wire)
    {
        try
        {
            while (await arrow.NextAsync(abandoned.Token) is { } batch)
            {
                try
                {
                    isStalled = true;
                    await ahead.Writer.WriteAsync(batch, abandoned.Token);
                    isStalled = false;
                }
                catch
                {
                    batch.Dispose();
                    throw;
                }
            }
            IsAtEnd = true;
            ahead.Writer.Complete();
            codeAfterEnd.SetResult(await wire.Int32Async(abandoned.Token));
            if (await wire.MoreAsync(abandoned.Token)) return true;
            SetUnwanted();
        }
        catch (Exception e)
        {
            // Told to the function through its batches, and to whoever waits for the end.
            if (e is PeerClosedException) SetUnwanted();
            ahead.Writer.TryComplete(e);
            codeAfterEnd.TrySetException(e);
            _ = codeAfterEnd.Task.Exception;
        }
        return false;
    }

    // On another thread: what the function registered with the token may take long.
    void SetUnwanted() => _ = unwanted.CancelAsync();
}
