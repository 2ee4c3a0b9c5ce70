using System.Globalization;

namespace BatchMl.Benchmarks.Spark;

/// <summary>The most memory that any worker process had resident while this object lived, looked up every fifth of a second.</summary>
sealed class WorkerMemory : IDisposable
{
    readonly CancellationTokenSource stop = new();
    readonly Task watching;
    long peak;

    public WorkerMemory() => watching = Task.Run(WatchAsync);

    /// <summary>Bytes.</summary>
    public double Peak => Interlocked.Read(ref peak);

    async Task WatchAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var process in Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out _))) Look(process);
            await Task.Delay(200);
        }
    }

    void Look(string process)
    {
        try
        {
            if (!File.ReadAllText(Path.Combine(process, "cmdline")).Contains("-m\0pyspark.daemon", StringComparison.Ordinal)) return;
            // proc(5): VmHWM, "peak resident set size", in KiB.
            var line = File.ReadLines(Path.Combine(process, "status")).FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (line is not null) peak = Math.Max(peak, long.Parse(line.AsSpan(6, line.Length - 9).Trim(), CultureInfo.InvariantCulture) * 1024);
        }
        catch (IOException)
        {
            // It ended meanwhile.
        }
    }

    public void Dispose()
    {
        stop.Cancel();
        watching.Wait();
        stop.Dispose();
    }
}
