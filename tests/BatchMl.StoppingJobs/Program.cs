using System.Runtime.InteropServices;
using BatchMl.Hosting;
using BatchMl.Jobs;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;

namespace BatchMl.StoppingJobs;

/// <summary>
/// <c>BatchMl.StoppingJobs POINT ARGS…</c>: the jobs program, composed of the same parts, whose catalog and sink tell where they are. At the first time that it reaches POINT all of the process stands still, as a
/// machine that hangs would, until it gets SIGCONT; then it goes on as if nothing had been. It has a job more: <c>flight-delays/beside</c> scores the same flights, and keeps what each version of the model scored.
/// </summary>
static partial class Program
{
    // The number is that of Linux.
    const int SigStop = 19;

    // So that whoever takes over need not wait for long.
    const double LeaseSeconds = 1;

    static async Task<int> Main(string[] args)
    {
        var stopped = 0;
        void Reached(string point)
        {
            if (point == args[0] && Interlocked.Exchange(ref stopped, 1) == 0) _ = Raise(SigStop);
        }
        var jobs = BatchMlApplication.Create(AllJobs);
        var application = jobs with
        {
            Sink = w => new ParquetSink(w.Datasets, path =>
            {
                Reached("create file");
                return ParquetSink.Create(path);
            }, Reached),
            Catalog = w => new FaultyCatalog(jobs.Catalog(w), Reached, LeaseSeconds),
        };
        return await application.RunAsync(args[1..]);
    }

    static IReadOnlyList<Job> AllJobs()
    {
        var score = Jobs.FlightDelays.FlightDelays.Pipeline().Steps.OfType<ScoreJob>().Single();
        return [.. Jobs.FlightDelays.FlightDelays.Jobs(), new ScoreJob("flight-delays/beside", "The same, side by side", score.Query.Spine, score.Query.Service!, score.Model, score.Keep) { From = score.From, SideBySide = true }];
    }

    // Not kill: to the thread itself, or it might run on for a while until all threads stand.
    [LibraryImport("libc", EntryPoint = "raise")]
    private static partial int Raise(int signal);
}
