using System.Runtime.ExceptionServices;

namespace BatchMl.Scoring;

/// <summary>Stages that run at once and stop together: the first failure cancels all, and is what the caller sees.</summary>
sealed class Flow(CancellationToken outside) : IDisposable
{
    readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(outside);
    readonly List<Task> stages = [];
    ExceptionDispatchInfo? failure;

    internal CancellationToken Cancel => stop.Token;

    internal void Start(Func<Task> stage) => stages.Add(Task.Run(async () =>
    {
        try
        {
            await stage();
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            await stop.CancelAsync();
        }
    }, CancellationToken.None));

    /// <summary>Waits until every stage has ended.</summary>
    internal Task EndedAsync() => Task.WhenAll(stages);

    /// <summary>Throws what went wrong first, if anything did.</summary>
    internal void ThrowIfFailed()
    {
        if (failure?.SourceException is OperationCanceledException) outside.ThrowIfCancellationRequested();
        failure?.Throw();
    }

    public void Dispose() => stop.Dispose();
}
