using System.Runtime;
using System.Runtime.InteropServices;

namespace BatchMl.Server.Dispatch;

/// <summary>
/// Gives memory back to the machine when the last run is over. A server may have nothing to do for hours after a run that took a gigabyte, and neither .NET's collector, which acts when memory is asked for, nor malloc, which keeps an
/// arena per thread, would let go of it meanwhile.
/// </summary>
sealed partial class IdleMemory(TimeProvider clock)
{
    // Runs often follow one another.
    static readonly TimeSpan After = TimeSpan.FromSeconds(2);

    int running, times;

    /// <summary>A run has begun.</summary>
    public void Begin()
    {
        Interlocked.Increment(ref times);
        Interlocked.Increment(ref running);
    }

    /// <summary>A run is over.</summary>
    public void End()
    {
        if (Interlocked.Decrement(ref running) == 0) _ = ReleaseAsync(Volatile.Read(ref times));
    }

    async Task ReleaseAsync(int seen)
    {
        await Task.Delay(After, clock);
        if (Volatile.Read(ref times) != seen) return;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        // What .NET has just finalized frees native memory.
        GC.WaitForPendingFinalizers();
        try
        {
            Trim(0);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Only glibc has it, and needs it.
        }
    }

    // malloc_trim(3): "attempts to release free memory from the heap".
    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint keep);
}
