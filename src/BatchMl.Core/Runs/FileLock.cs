namespace BatchMl.Runs;

/// <summary>A lock between processes: a file opened for this process alone. It goes with its process, however that ends.</summary>
sealed class FileLock : IDisposable
{
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    // A process that was suspended keeps its locks: nobody may wait for it for ever.
    static readonly TimeSpan Usual = TimeSpan.FromSeconds(5);

    readonly FileStream stream;

    FileLock(FileStream stream) => this.stream = stream;

    /// <summary>Waits for the lock, for up to 5 s, or as long as is said.</summary>
    /// <exception cref="BatchMlException">Another process keeps it (transient).</exception>
    public static async Task<FileLock> TakeAsync(string folder, string name, TimeProvider clock, CancellationToken cancel, TimeSpan? patience = null)
    {
        var longest = patience ?? Usual;
        for (var started = clock.GetTimestamp(); ;)
        {
            cancel.ThrowIfCancellationRequested();
            if (TryTake(folder, name) is { } taken) return taken;
            if (clock.GetElapsedTime(started) >= longest)
            {
                throw new BatchMlException(
                    $"{PathOf(folder, name)} has been locked by another process for {longest.TotalSeconds:0} s. Wait for that to end, or look for one that is suspended or hangs (e.g. with fuser).", FailureKind.Transient);
            }
            await Task.Delay(Look, clock, cancel);
        }
    }

    static string PathOf(string folder, string name) => Path.Combine(folder, name + ".lock");

    /// <summary>The lock, or null if another process or thread has it.</summary>
    public static FileLock? TryTake(string folder, string name)
    {
        Directory.CreateDirectory(folder);
        try
        {
            return new FileLock(new FileStream(PathOf(folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (IsTaken(e))
        {
            return null;
        }
    }

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows; anything else (a full disk) is no lock.
    static bool IsTaken(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);

    public void Dispose() => stream.Dispose();
}
