namespace BatchMl.Kernel;

/// <summary>
/// One window's aggregates over one key after the other. A row is in the window of T exactly from <c>enter</c> until before <c>leave</c>, both worked out once per row, so that rows with any lag,
/// windows that end earlier and rows that would expire before they arrive are all the same two-pointer sweep.
/// </summary>
sealed class WindowSweep
{
    readonly WindowSpec window;
    readonly Presence presence;
    readonly Accumulator[] accumulators;
    readonly KernelOutput[] outputs;
    int[] entering = [], leaving = [];
    readonly long[] enter, leave;
    long[] scratch = [];

    public WindowSweep(WindowSpec window, Presence presence, Accumulator[] accumulators, KernelOutput[] outputs, long[] enter, long[] leave)
    {
        (this.window, this.presence, this.accumulators, this.outputs) = (window, presence, accumulators, outputs);
        // Shared by threads: each writes the rows of its own keys only.
        (this.enter, this.leave) = (enter, leave);
    }

    public void Sweep(ReadOnlySpan<int> rows, ReadOnlySpan<int> spine, ReadOnlySpan<long> asOf)
    {
        var members = Bound(rows);
        foreach (var accumulator in accumulators) accumulator.Reset(entering.AsSpan(0, members));
        KeyGroups.SortByTime(entering.AsSpan(0, members), enter, ref scratch);
        KeyGroups.SortByTime(leaving.AsSpan(0, members), leave, ref scratch);
        var (entered, left) = (0, 0);
        foreach (var row in spine)
        {
            var t = asOf[row];
            for (; entered < members && enter[entering[entered]] <= t; entered++)
            {
                // Came and went between two spine rows: it never has to be counted.
                if (leave[entering[entered]] <= t) continue;
                foreach (var accumulator in accumulators) accumulator.Add(entering[entered]);
                present[entering[entered]] = true;
            }
            for (; left < members && leave[leaving[left]] <= t; left++)
            {
                if (!present[leaving[left]]) continue;
                foreach (var accumulator in accumulators) accumulator.Remove(leaving[left]);
                present[leaving[left]] = false;
            }
            for (var a = 0; a < accumulators.Length; a++) accumulators[a].Write(outputs[a], row);
        }
        // What is still in must not be taken for present under the next window or key.
        for (; left < members; left++) present[leaving[left]] = false;
    }

    bool[] present = [];

    /// <summary>Which rows are present; shared by threads like enter and leave.</summary>
    public bool[] Present { init => present = value; }

    int Bound(ReadOnlySpan<int> rows)
    {
        if (entering.Length < rows.Length) (entering, leaving) = (new int[rows.Length], new int[rows.Length]);
        var times = window.Axis == WindowAxis.EventTime ? presence.EventTime : presence.Effective;
        var (opens, closes) = window.Convention switch
        {
            WindowConvention.OpenClosed => (0, 0),
            WindowConvention.ClosedOpen => (1, 1),
            _ => (0, 1),
        };
        var members = 0;
        foreach (var row in rows)
        {
            var from = Math.Max(presence.Enter[row], Add(Add(times[row], window.EndsBefore), opens));
            var until = Math.Min(presence.Leave[row], Add(Add(Add(times[row], window.EndsBefore), window.Length), closes));
            if (from >= until) continue;
            (enter[row], leave[row]) = (from, until);
            entering[members] = leaving[members] = row;
            members++;
        }
        return members;
    }

    static long Add(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}
