namespace BatchMl.LightGbm;

/// <summary>
/// LightGBM keeps one thread count for the whole process, which binning and the start of a training set, and sizes buffers by it that are used a moment later: if it grew in between,
/// memory would be overrun. So whoever may raise it waits until nobody computes. (Scoring sets it to 1, and falling is harmless.)
/// </summary>
static class ThreadCount
{
    static readonly ReaderWriterLockSlim gate = new();

    /// <summary>Runs what may raise the thread count.</summary>
    public static T Change<T>(Func<T> start)
    {
        gate.EnterWriteLock();
        try
        {
            return start();
        }
        finally
        {
            gate.ExitWriteLock();
        }
    }

    /// <summary>Nobody raises the thread count until <see cref="Computed"/>.</summary>
    public static void Computing() => gate.EnterReadLock();

    /// <summary>Ends <see cref="Computing"/>.</summary>
    public static void Computed() => gate.ExitReadLock();
}
