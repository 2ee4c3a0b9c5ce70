namespace BatchMl.Kernel;

/// <summary>What became of each event row for one spine row.</summary>
static class RowExplanation
{
    public static IReadOnlyList<ExplainedRow> Of(EventTable events, SpineTable spine, int spineRow, AsOfQuery query)
    {
        var encoder = new KeyEncoder(events.Keys);
        var keys = encoder.Encode(events.Keys, events.Rows, add: true);
        var key = encoder.Encode(spine.Keys, spine.AsOf.Length, add: false)[spineRow];
        if (key < 0) return [];
        var presence = Presence.Of(events, query, keys);
        var order = new ValueOrder(presence.EventTime, presence.AvailableAt, events.TieBreak);
        var t = spine.AsOf.Values[spineRow];
        var mine = Enumerable.Range(0, events.Rows).Where(i => keys[i] == key).ToArray();
        var present = mine.Where(i => presence.Enter[i] <= t && t < presence.Leave[i]).ToArray();
        var latest = query.Latest.Select(l => Latest(events, query, presence, order, l, present, t)).ToArray();
        return [.. mine.Select(i => Explain(i, present.Contains(i), presence, query, latest, t))];
    }

    static int Latest(EventTable events, AsOfQuery query, Presence presence, ValueOrder order, LatestSpec spec, int[] present, long t)
    {
        var best = -1;
        foreach (var row in present)
        {
            if (spec.NonNull && events.Values[spec.Value].IsNull(row)) continue;
            if (best < 0 || order.Compare(row, best) >= 0) best = row;
        }
        var oldest = query.Ttl is { } ttl && events.EventTime is not null ? (t < long.MinValue + ttl ? long.MinValue : t - ttl) : long.MinValue;
        return best >= 0 && presence.EventTime[best] < oldest ? -1 : best;
    }

    static ExplainedRow Explain(int row, bool present, Presence presence, AsOfQuery query, int[] latest, long t)
    {
        if (!present) return new ExplainedRow(row, presence.Effective[row] > t ? RowFate.Late : presence.Enter[row] > t ? RowFate.Late : presence.Ending[row], [], []);
        int[] gave = [.. Enumerable.Range(0, latest.Length).Where(s => latest[s] == row)];
        int[] inWindows = [.. Enumerable.Range(0, query.Windows.Count).Where(w => IsIn(query.Windows[w].Window, presence, row, t))];
        if (gave.Length + inWindows.Length > 0) return new ExplainedRow(row, RowFate.Counted, gave, inWindows);
        var tooOld = query.Latest.Count == 0 || (query.Ttl is { } ttl && presence.EventTime[row] < (t < long.MinValue + ttl ? long.MinValue : t - ttl));
        return new ExplainedRow(row, tooOld ? RowFate.TooOld : RowFate.NotLatest, [], []);
    }

    static bool IsIn(WindowSpec window, Presence presence, int row, long t)
    {
        var time = window.Axis == WindowAxis.EventTime ? presence.EventTime[row] : presence.Effective[row];
        var end = (Int128)t - window.EndsBefore;
        var start = end - window.Length;
        return window.Convention switch
        {
            WindowConvention.OpenClosed => time > start && time <= end,
            WindowConvention.ClosedOpen => time >= start && time < end,
            _ => time >= start && time <= end,
        };
    }
}
