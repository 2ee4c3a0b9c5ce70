namespace BatchMl.Kernel;

/// <summary>What became of each event row for one spine row.</summary>
static class RowExplanation
{
    public static IReadOnlyList<ExplainedRow> Of(EventTable events, SpineTable spine, int spineRow, AsOfQuery query)
    {
        var encoder = new KeyEncoder(events.Keys);
        var keys = encoder.Add(events.Keys, events.Rows);
        var key = encoder.Find(spine.Keys, spine.AsOf.Length, 1)[spineRow];
        if (key < 0) return [];
        var times = RowTimes.Of(events, query, keys);
        var order = new ValueOrder(times, events.TieBreak);
        var t = spine.AsOf.Values[spineRow];
        int[] mine = [.. Enumerable.Range(0, events.Rows).Where(i => keys[i] == key)];
        int[] seen = [.. mine.Where(i => times.IsSeen(i, t))];
        var latest = query.Latest.Select(l => Latest(events, query, times, order, l, seen, t)).ToArray();
        WindowSweep[] windows = [.. query.Windows.Select(w => new WindowSweep(w.Window))];
        return [.. mine.Select(i => Explain(i, times, query, latest, windows, t))];
    }

    static int Latest(EventTable events, AsOfQuery query, RowTimes times, ValueOrder order, LatestSpec spec, int[] seen, long t)
    {
        var best = -1;
        foreach (var row in seen)
        {
            if (spec.NonNull && events.Values[spec.Value].IsNull(row)) continue;
            if (best < 0 || order.Compare(row, best) >= 0) best = row;
        }
        return best >= 0 && IsStale(query, times, best, t) ? -1 : best;
    }

    static bool IsStale(AsOfQuery query, RowTimes times, int row, long t) => RowTimes.IsStale(query.Ttl, times.HasTime, times.Happened[row], t);

    static ExplainedRow Explain(int row, RowTimes times, AsOfQuery query, int[] latest, WindowSweep[] windows, long t)
    {
        if (!times.IsSeen(row, t)) return new ExplainedRow(row, WhyUnseen(times, row, t), [], []);
        int[] gave = [.. Enumerable.Range(0, latest.Length).Where(s => latest[s] == row)];
        int[] inWindows = [.. Enumerable.Range(0, windows.Length).Where(w => windows[w].Contains(TimeIn(w), t))];
        if (gave.Length + inWindows.Length > 0) return new ExplainedRow(row, RowFate.Counted, gave, inWindows);
        var tooOld = (latest.Length == 0 || IsStale(query, times, row, t)) && Enumerable.Range(0, windows.Length).All(w => windows[w].IsBefore(TimeIn(w), t));
        return new ExplainedRow(row, tooOld ? RowFate.TooOld : RowFate.NotLatest, [], []);

        long TimeIn(int window) => query.Windows[window].Window.Axis == WindowAxis.EffectiveAt ? times.Effective[row] : times.Happened[row];
    }

    // A row that is not known yet is late, whatever is to become of it; so is one whose validity has not begun.
    static RowFate WhyUnseen(RowTimes times, int row, long t)
    {
        if (times.Ending is null) return RowFate.Late;
        return times.Enter[row] > t ? RowFate.Late : times.Ending[row];
    }
}
