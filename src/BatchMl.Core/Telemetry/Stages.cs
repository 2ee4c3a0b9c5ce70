namespace BatchMl.Telemetry;

/// <summary>The stages of a step, and which of them bounds it.</summary>
static class Stages
{
    /// <summary>In the order in which data flows; stages that are not listed come last.</summary>
    static readonly string[] order =
    [
        "plan", "lease", "read", "features", "split", "encode", "train", "score", "assemble", "evaluate", "compare", "write", "observe", "profile", "complete", "verify", "commit", "publish", "report",
    ];

    // Threads of the scoring pipeline, which run side by side. Everything else of a unit comes one after the other.
    static readonly string[][] threads = [["read", "features"], ["encode", "score", "assemble"], ["write", "observe"]];

    public static IReadOnlyList<StageTime> InOrder(IEnumerable<StageTime> times) =>
        [.. times.OrderBy(t => Array.IndexOf(order, t.Stage) is var at and >= 0 ? at : order.Length).ThenBy(t => t.Stage, StringComparer.Ordinal)];

    /// <summary>The stage that a step would be faster without, and the share of its thread's time in which it was busy; null: nothing was measured.</summary>
    public static Bottleneck? BottleneckOf(IReadOnlyList<StageTime> times)
    {
        // Only what runs beside others ever waits.
        var piped = times.Any(t => t.WaitingForInput + t.WaitingForOutput > TimeSpan.Zero) ? threads : [];
        var groups = piped.Select(names => times.Where(t => names.Contains(t.Stage)).ToArray()).Where(g => g.Length > 0).ToArray();
        var serial = times.Where(t => !groups.Any(g => g.Contains(t))).ToArray();
        // The one that writes is there from the pipeline's first row to its last.
        var pipeline = groups.Length == 0 ? TimeSpan.Zero : Total(groups[^1]);
        if (serial.MaxBy(t => t.Busy) is { } longest && longest.Busy > pipeline) return Of(longest, pipeline + Total(serial));
        return groups.MaxBy(g => Share(Sum(g, t => t.Busy), Total(g))) is { } busiest ? Of(busiest.MaxBy(t => t.Busy)!, Total(busiest)) : null;
    }

    static Bottleneck? Of(StageTime stage, TimeSpan all) => stage.Busy > TimeSpan.Zero ? new(stage.Stage, Share(stage.Busy, all)) : null;

    static double Share(TimeSpan part, TimeSpan all) => all > TimeSpan.Zero ? part / all : 0;

    static TimeSpan Total(IEnumerable<StageTime> stages) => Sum(stages, t => t.Busy + t.WaitingForInput + t.WaitingForOutput);

    static TimeSpan Sum(IEnumerable<StageTime> stages, Func<StageTime, TimeSpan> time) => stages.Aggregate(TimeSpan.Zero, (sum, t) => sum + time(t));
}

/// <summary>What bounds a step.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="BusyShare">Share of its threads' time in which it was busy, 0 to 1; of a step whose stages come one after the other, its share of the step.</param>
public sealed record Bottleneck(string Stage, double BusyShare);
