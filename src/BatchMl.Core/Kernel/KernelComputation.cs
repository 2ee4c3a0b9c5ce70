using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>One query over encoded keys: sweeps key by key on any number of threads and puts the results into the spine's order.</summary>
sealed class KernelComputation
{
    readonly EventTable events;
    readonly AsOfQuery query;
    readonly RowTimes times;
    readonly ValueOrder order;
    readonly Buckets eventsByKey, spineByKey;
    readonly int spineRows;
    readonly IReadOnlyList<LatestTrack> tracks;
    readonly int[] trackOf;
    readonly int[][] latestRows;
    readonly KernelOutput[][] windowOutputs;
    readonly Dictionary<int, int[]> textCodes = [];

    public KernelComputation(EventTable events, AsOfQuery query, RowTimes times, Buckets eventsByKey, Buckets spineByKey, int spineRows)
    {
        (this.events, this.query, this.times, this.eventsByKey, this.spineByKey, this.spineRows) = (events, query, times, eventsByKey, spineByKey, spineRows);
        order = new ValueOrder(times, events.TieBreak);
        (tracks, trackOf) = LatestTrack.Of(events, query);
        latestRows = [.. tracks.Select(_ => KernelOutput.NoRows(spineByKey.Total))];
        windowOutputs = [.. query.Windows.Select(w => w.Aggregates.Select(a => KernelOutput.For(a, events, spineByKey.Total)).ToArray())];
        foreach (var aggregate in query.Windows.SelectMany(w => w.Aggregates))
        {
            var needsCodes = aggregate.Kind is AggregateKind.Min or AggregateKind.Max or AggregateKind.DistinctCount or AggregateKind.Quantile;
            if (needsCodes && !textCodes.ContainsKey(aggregate.Value) && RankColumn.TextCodes(events.Values[aggregate.Value]) is { } codes) textCodes[aggregate.Value] = codes;
        }
    }

    public IReadOnlyList<IArrowArray> Run(int threads)
    {
        if (threads == 1) SweepKeys(0, eventsByKey.Keys);
        else SweepOnThreads(threads);
        KernelOutput[] outputs = [.. query.Latest.Select((l, i) => KernelOutput.OfRows(events.Values[l.Value], latestRows[trackOf[i]])), .. windowOutputs.SelectMany(w => w)];
        var columns = new IArrowArray[outputs.Length];
        Parallel.For(0, columns.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => columns[i] = outputs[i].Build(spineByKey.AllRows, spineRows));
        return columns;
    }

    void SweepOnThreads(int threads)
    {
        // Ranges of keys with about equally many rows; more ranges than threads even out what is uneven.
        var cuts = Cuts(threads * 4);
        var errors = new DataException?[cuts.Count - 1];
        Parallel.For(0, errors.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            try
            {
                SweepKeys(cuts[i], cuts[i + 1]);
            }
            catch (DataException e)
            {
                errors[i] = e;
            }
        });
        // The error of the first key that has one, as on one thread.
        if (errors.FirstOrDefault(e => e is not null) is { } first) throw new DataException(first.Message, first);
    }

    List<int> Cuts(int parts)
    {
        var total = (long)eventsByKey.Total + spineByKey.Total;
        List<int> cuts = [0];
        for (var k = 1; k < eventsByKey.Keys; k++)
            if ((long)eventsByKey.Start(k) + spineByKey.Start(k) >= total * cuts.Count / parts) cuts.Add(k);
        cuts.Add(eventsByKey.Keys);
        return cuts;
    }

    void SweepKeys(int from, int to)
    {
        var frame = new KeyFrame(eventsByKey, times, order);
        var columns = new FrameColumns(events, textCodes);
        var latest = new LatestSweep(events, query, order, tracks, latestRows);
        WindowSweep[] windows = [.. query.Windows.Select(w => new WindowSweep(w.Window))];
        Accumulator[][] accumulators = [.. query.Windows.Select((w, i) => w.Aggregates.Select((a, j) => Accumulator.For(a, events, query, columns, windowOutputs[i][j])).ToArray())];
        for (var key = from; key < to; key++)
        {
            if (spineByKey.Length(key) == 0 || eventsByKey.Length(key) == 0) continue;
            frame.Load(key);
            spineByKey.Sort(key, frame.TimeSort);
            var asOf = spineByKey.Times(key);
            var place = spineByKey.Start(key);
            latest.Sweep(frame, asOf, place);
            for (var w = 0; w < windows.Length; w++)
            {
                windows[w].Sweep(frame, asOf);
                foreach (var accumulator in accumulators[w]) accumulator.Run(frame, windows[w].Moves, place);
            }
        }
    }
}
