using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Hosting;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>The jobs program within this process, composed of its own parts, with something going wrong around them. Waiting goes ten times as fast.</summary>
sealed class DisturbedJobs
{
    public sealed record Result(int Code, string Output, string Error)
    {
        public string All => Output + Error;
    }

    /// <summary>Does something at the first time that a point is reached.</summary>
    public static Action<string> At(string point, Action what)
    {
        var reached = 0;
        return at =>
        {
            if (at == point && Interlocked.Exchange(ref reached, 1) == 0) what();
        };
    }

    /// <summary>Told where the catalog is, as <see cref="FaultyCatalog"/>.</summary>
    public Action<string> Reached { get; init; } = _ => { };

    /// <summary>Makes other sources of the bound ones.</summary>
    public Func<SourceBinding, IBatchSource, IBatchSource> Source { get; init; } = (_, source) => source;

    /// <summary>How long the catalog waits for another writer.</summary>
    public TimeSpan Busy { get; init; } = TimeSpan.FromSeconds(30);

    public TimeProvider Clock { get; init; } = new HurriedClock();

    public async Task<Result> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var jobs = BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs);
        var application = jobs with
        {
            SourceFormats = jobs.SourceFormats.ToDictionary(f => f.Key, f => (Func<SourceBinding, SessionContext, IBatchSource>)((b, c) => Source(b, f.Value(b, c)))),
            Catalog = c => new FaultyCatalog(new SqliteCatalog(c.Workspace.CatalogPath, Busy), Reached),
            Clock = Clock,
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
        };
        return new Result(await application.RunAsync(args, CancellationToken.None), output.ToString(), error.ToString());
    }

    /// <summary>Time goes ten times as fast, but for the time of day.</summary>
    sealed class HurriedClock : TimeProvider
    {
        const int Hurry = 10;

        public override long TimestampFrequency => System.TimestampFrequency / Hurry;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Hurried(dueTime), Hurried(period));

        static TimeSpan Hurried(TimeSpan time) => time > TimeSpan.Zero ? time / Hurry : time;
    }
}
