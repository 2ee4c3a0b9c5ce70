namespace BatchMl.Runs;

/// <summary>A lock between processes: an exclusively opened file. It goes with its process, however that ends.</summary>
sealed class FileLock : IDisposable
{
    readonly FileStream stream;

    FileLock(FileStream stream) => this.stream = stream;

    public static async Task<FileLock> TakeAsync(string folder, string name, TimeProvider clock, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Uri.EscapeDataString(name) + ".lock");
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancel);
            }
        }
    }

    public void Dispose() => stream.Dispose();
}
