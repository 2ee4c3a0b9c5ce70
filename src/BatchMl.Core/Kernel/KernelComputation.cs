using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>The outputs of one query and the sweeps that fill them, key by key, on any number of threads.</summary>
sealed class KernelComputation
{
    readonly EventTable events;
    readonly SpineTable spine;
    readonly AsOfQuery query;
    readonly Presence presence;
    readonly ValueOrder order;
    readonly KernelOutput[] latest;
    readonly KernelOutput[][] windows;

    public KernelComputation(EventTable events, SpineTable spine, AsOfQuery query, Presence presence)
    {
        (this.events, this.spine, this.query, this.presence) = (events, spine, query, presence);
        order = new ValueOrder(presence.EventTime, presence.AvailableAt, events.TieBreak);
        var rows = spine.AsOf.Length;
        latest = [.. query.Latest.Select(l => KernelOutput.OfRows(events.Values[l.Value], rows))];
        windows = [.. query.Windows.Select(w => w.Aggregates.Select(a => KernelOutput.For(a, events, rows)).ToArray())];
        PresetEmpty();
    }

    // A count of nothing is 0, also for keys that no event has.
    void PresetEmpty()
    {
        for (var w = 0; w < windows.Length; w++)
        {
            for (var a = 0; a < windows[w].Length; a++)
            {
                if (query.Windows[w].Aggregates[a].Kind is AggregateKind.Count or AggregateKind.CountWhere or AggregateKind.DistinctCount) windows[w][a].Valid.AsSpan().Fill(true);
            }
        }
    }

    public void Run(KeyGroups groups, KeyGroups spineGroups, int threads)
    {
        var shared = new Shared(query, events.Rows);
        if (threads == 1)
        {
            RunKeys(groups, spineGroups, 0, groups.Count, shared);
            return;
        }
        // Ranges of keys with about equally many rows; more ranges than threads even out what is uneven.
        var cuts = Cuts(groups, spineGroups, threads * 4);
        try
        {
            Parallel.For(0, cuts.Count - 1, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => RunKeys(groups, spineGroups, cuts[i], cuts[i + 1], shared));
        }
        catch (AggregateException e)
        {
            // The error of the first key in order, whatever thread was first.
            throw e.InnerExceptions.OfType<DataException>().MinBy(x => x.Message, StringComparer.Ordinal) ?? e.InnerExceptions[0];
        }
    }

    static List<int> Cuts(KeyGroups groups, KeyGroups spineGroups, int parts)
    {
        var total = (long)groups.Start(groups.Count) + spineGroups.Start(spineGroups.Count);
        var cuts = new List<int> { 0 };
        for (var k = 1; k < groups.Count; k++)
        {
            if ((long)groups.Start(k) + spineGroups.Start(k) >= total * cuts.Count / parts) cuts.Add(k);
        }
        cuts.Add(groups.Count);
        return cuts;
    }

    void RunKeys(KeyGroups groups, KeyGroups spineGroups, int from, int to, Shared shared)
    {
        var asOf = spine.AsOf.Values;
        var latestSweep = new LatestSweep(events, query, presence, order, latest);
        var windowSweeps = query.Windows.Select((w, i) => new WindowSweep(
            w.Window, presence, [.. w.Aggregates.Select((a, j) => Accumulator.For(a, events, order, query.TiesAllowed, shared.Ranks[i][j]))], windows[i], shared.Enter, shared.Leave)
        {
            Present = shared.Present,
        }).ToArray();
        for (var key = from; key < to; key++)
        {
            var mine = spineGroups[key];
            if (mine.Length == 0) continue;
            latestSweep.Sweep(groups[key], mine, asOf);
            foreach (var sweep in windowSweeps) sweep.Sweep(groups[key], mine, asOf);
        }
    }

    public IReadOnlyList<IArrowArray> Build() => [.. latest.Select(o => o.Build()), .. windows.SelectMany(w => w.Select(o => o.Build()))];

    /// <summary>Scratch by row that all threads share, since each writes only the rows of its own keys.</summary>
    sealed class Shared(AsOfQuery query, int rows)
    {
        public long[] Enter { get; } = query.Windows.Count > 0 ? new long[rows] : [];
        public long[] Leave { get; } = query.Windows.Count > 0 ? new long[rows] : [];
        public bool[] Present { get; } = query.Windows.Count > 0 ? new bool[rows] : [];
        public int[][][] Ranks { get; } = [.. query.Windows.Select(w => w.Aggregates.Select(a => NeedsRanks(a.Kind) ? new int[rows] : []).ToArray())];

        static bool NeedsRanks(AggregateKind kind) =>
            kind is AggregateKind.Min or AggregateKind.Max or AggregateKind.DistinctCount or AggregateKind.Quantile or AggregateKind.First or AggregateKind.Last;
    }
}
