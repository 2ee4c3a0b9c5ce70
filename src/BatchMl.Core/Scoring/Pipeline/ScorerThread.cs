using System.Collections.Concurrent;
using Apache.Arrow;

namespace BatchMl.Scoring;

/// <summary>
/// One thread that calls one scorer. Native libraries keep state per calling thread (thread teams of OpenMP, for one), so a worker keeps its thread; and only a
/// thread of one's own can be left behind when a call does not come back.
/// </summary>
sealed class ScorerThread : IDisposable
{
    readonly BlockingCollection<Call> calls = [];
    readonly LoadedScorer loaded;
    readonly Thread thread;
    bool isLeft;

    internal ScorerThread(LoadedScorer loaded)
    {
        this.loaded = loaded;
        thread = new Thread(Run) { IsBackground = true, Name = "scorer" };
        thread.Start();
    }

    /// <summary>Whether a call of this scorer, by whichever worker, was left behind.</summary>
    internal bool IsRetired => loaded.IsRetired;

    /// <summary>Starts a call. It takes over the inputs; whoever awaits it owns the outputs.</summary>
    internal Call Score(RecordBatch inputs, CancellationToken cancel)
    {
        var call = new Call(inputs, cancel);
        calls.Add(call, cancel);
        return call;
    }

    /// <summary>Leaves a call behind, and with it the thread; false: the call has just ended.</summary>
    internal bool TryLeave(Call call) => call.TryAbandon() && (isLeft = true);

    /// <summary>Nobody calls this scorer again.</summary>
    internal void Retire() => loaded.IsRetired = true;

    /// <summary>Ends the thread, and waits for that unless it was left behind; then it ends by itself if its call ever does.</summary>
    public void Dispose()
    {
        calls.CompleteAdding();
        if (!isLeft) thread.Join();
    }

    void Run()
    {
        foreach (var call in calls.GetConsumingEnumerable()) call.Run(loaded.Scorer);
        loaded.Release();
        calls.Dispose();
    }

    /// <summary>A call of a scorer.</summary>
    internal sealed class Call(RecordBatch inputs, CancellationToken cancel)
    {
        readonly TaskCompletionSource<IReadOnlyList<IArrowArray>> outputs = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<IReadOnlyList<IArrowArray>> Outputs => outputs.Task;

        /// <summary>Ends the waiting for the call; false: it has just ended.</summary>
        internal bool TryAbandon() => outputs.TrySetCanceled(CancellationToken.None);

        internal void Run(IScorer scorer)
        {
            IReadOnlyList<IArrowArray> result = [];
            try
            {
                result = scorer.Score(inputs, cancel);
                if (outputs.TrySetResult(result)) return;
                foreach (var array in result) array.Dispose();
            }
            catch (Exception e)
            {
                outputs.TrySetException(e);
            }
            finally
            {
                // A scorer may hand an input back as an output.
                foreach (var input in inputs.Arrays)
                    if (!result.Contains(input)) input.Dispose();
            }
        }
    }
}
