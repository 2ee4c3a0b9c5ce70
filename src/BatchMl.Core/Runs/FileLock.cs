namespace BatchMl.Runs;

/// <summary>A lock between processes: a file opened for this process alone. It goes with its process, however that ends.</summary>
sealed class FileLock : IDisposable
{
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);
    readonly FileStream stream;

    FileLock(FileStream stream) => this.stream = stream;

    /// <summary>Waits for the lock.</summary>
    public static async Task<FileLock> TakeAsync(string folder, string name, TimeProvider clock, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            if (TryTake(folder, name) is { } taken) return taken;
            await Task.Delay(Look, clock, cancel);
        }
    }

    /// <summary>The lock, or null if another process or thread has it.</summary>
    public static FileLock? TryTake(string folder, string name)
    {
        Directory.CreateDirectory(folder);
        try
        {
            return new FileLock(new FileStream(Path.Combine(folder, name + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
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
