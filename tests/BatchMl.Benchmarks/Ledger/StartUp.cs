using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using BatchMl.Benchmarks.Harness;
using BatchMl.Data;
using BatchMl.Hosting;
using BatchMl.Jobs;

namespace BatchMl.Benchmarks.Ledger;

/// <summary>From the start of a published process to the first rows that a source hands over. The program is this one, published as <c>jobs</c> is, around the same composition with sources that look at the clock.</summary>
sealed class StartUp : Benchmark
{
    public override string Name => "start";

    public override string What => "start of the published program (`run flight-delays`) to the first rows read, warm cache";

    public override string Target => "under 400 ms";

    public override Task<Outcome> RunAsync(string folder)
    {
        var program = Path.Combine(folder, "program");
        using (var publish = Process.Start(new ProcessStartInfo("dotnet", ["publish", Project(), "-c", "Release", "-o", program, "--nologo", "-v", "q"]) { RedirectStandardOutput = true })!)
        {
            var output = publish.StandardOutput.ReadToEnd();
            publish.WaitForExit();
            if (publish.ExitCode != 0) throw new InvalidOperationException(output);
        }
        List<double> milliseconds = [];
        for (var run = 0; run < 11; run++)
        {
            using var child = Process.Start(new ProcessStartInfo(Path.Combine(program, "BatchMl.Benchmarks"), ["--first-row", Path.Combine(folder, $"workspace{run}")]) { RedirectStandardOutput = true })!;
            milliseconds.Add(double.Parse(child.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture));
            child.WaitForExit();
        }
        // The first has read the program from the disk.
        double[] warm = [.. milliseconds.Skip(1).Order()];
        var median = (warm[4] + warm[5]) / 2;
        return Task.FromResult(new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{median:0} ms"), "", string.Create(CultureInfo.InvariantCulture, $"{median:0} ms"), median < 400,
            string.Create(CultureInfo.InvariantCulture, $"{warm[0]:0} to {warm[^1]:0} ms")));
    }

    static string Project([CallerFilePath] string here = "") => Path.GetDirectoryName(Path.GetDirectoryName(here)!)!;

    /// <summary>What the published process does: tells the milliseconds since its start once rows come, and ends.</summary>
    public static async Task RunToFirstRowAsync(string workspace)
    {
        var usual = BatchMlApplication.Create(Jobs.FlightDelays.FlightDelays.Jobs) with { Out = TextWriter.Null, Error = TextWriter.Null };
        var watched = usual with
        {
            SourceFormats = usual.SourceFormats.ToDictionary(f => f.Key, f => (Func<SourceBinding, SessionContext, IBatchSource>)((binding, context) => new WatchedSource(f.Value(binding, context)))),
        };
        await watched.RunAsync(["run", "flight-delays", "--workspace", workspace]);
    }

    sealed class WatchedSource(IBatchSource inner) : IBatchSource
    {
        public async Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => new Snapshot(await inner.OpenAsync(cancel));

        sealed class Snapshot(ISourceSnapshot inner) : ISourceSnapshot
        {
            public Apache.Arrow.Schema Schema => inner.Schema;
            public IReadOnlyList<SourceFile> Files => inner.Files;
            public IReadOnlyList<SourceFragment> Fragments => inner.Fragments;

            public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
            {
                await foreach (var batch in inner.ReadAsync(request, cancel))
                {
                    Console.Write(string.Create(CultureInfo.InvariantCulture, $"{(TimeProvider.System.GetLocalNow() - Process.GetCurrentProcess().StartTime).TotalMilliseconds:0.0}"));
                    Console.Out.Flush();
                    Environment.Exit(0);
                    yield return batch;
                }
            }

            public void Verify() => inner.Verify();

            public void Dispose() => inner.Dispose();
        }
    }
}
