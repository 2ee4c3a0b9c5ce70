namespace BatchMl.Kernel;

/// <summary>
/// What became of each event row for one spine row. Which rows are seen is what the sweeps go by (<see cref="RowTimes"/>); why a row is not is asked anew of the rules, as of the one instant.
/// </summary>
sealed class RowExplanation
{
    // What is said of a row that is seen and counts nowhere: the reason that came nearest to counting.
    static readonly RowFate[] nearest = [RowFate.NotLatest, RowFate.AfterWindow, RowFate.NoValue];

    readonly EventTable events;
    readonly AsOfQuery query;
    readonly RowTimes times;
    readonly VersionsAt versions;
    readonly long t;
    readonly int[] latest;
    readonly WindowSweep[] windows;

    RowExplanation(EventTable events, AsOfQuery query, RowTimes times, int[] mine, long t)
    {
        (this.events, this.query, this.times, this.t) = (events, query, times, t);
        versions = new VersionsAt(events, times, mine, t);
        var order = new ValueOrder(times, events.TieBreak);
        int[] seen = [.. mine.Where(i => times.IsSeen(i, t))];
        latest = [.. query.Latest.Select(l => Greatest(order, l, seen))];
        windows = [.. query.Windows.Select(w => new WindowSweep(w.Window))];
    }

    public static IReadOnlyList<ExplainedRow> Of(EventTable events, SpineTable spine, int spineRow, AsOfQuery query)
    {
        var encoder = new KeyEncoder(events.Keys);
        var keys = encoder.Add(events.Keys, events.Rows);
        var key = encoder.Find(spine.Keys, spine.AsOf.Length, 1)[spineRow];
        if (key < 0) return [];
        var times = RowTimes.Of(events, query, keys, spine.AsOf.Values[spineRow]);
        int[] mine = [.. Enumerable.Range(0, events.Rows).Where(i => keys[i] == key)];
        var explanation = new RowExplanation(events, query, times, mine, spine.AsOf.Values[spineRow]);
        return [.. mine.Select(explanation.Explain)];
    }

    int Greatest(ValueOrder order, LatestSpec spec, int[] seen)
    {
        var best = -1;
        foreach (var row in seen)
        {
            if (IsNull(spec, row)) continue;
            if (best < 0 || order.Compare(row, best) >= 0) best = row;
        }
        return best;
    }

    bool IsNull(LatestSpec spec, int row) => spec.NonNull && events.Values[spec.Value].IsNull(row);

    ExplainedRow Explain(int row)
    {
        if (!times.IsSeen(row, t))
        {
            var (fate, other) = WhyUnseen(row);
            return new ExplainedRow(row, fate, other, [], []);
        }
        RowFate[] byLatest = [.. query.Latest.Select((l, i) => FateOf(l, latest[i], row))];
        RowFate[] byWindow = [.. windows.Select((w, i) => FateOf(w, query.Windows[i].Window.Axis, row))];
        if (byLatest.Concat(byWindow).Contains(RowFate.Counted)) return new ExplainedRow(row, RowFate.Counted, versions.Next(row), byLatest, byWindow);
        var why = nearest.Where(byLatest.Concat(byWindow).Contains).FirstOrDefault(RowFate.TooOld);
        return new ExplainedRow(row, why, why == RowFate.NotLatest ? latest[byLatest.IndexOf(RowFate.NotLatest)] : null, byLatest, byWindow);
    }

    RowFate FateOf(LatestSpec spec, int greatest, int row) =>
        RowTimes.IsStale(query.Ttl, times.HasTime, times.Happened[row], t) ? RowFate.TooOld
        : IsNull(spec, row) ? RowFate.NoValue
        : row == greatest ? RowFate.Counted : RowFate.NotLatest;

    RowFate FateOf(WindowSweep window, WindowAxis axis, int row)
    {
        var time = axis == WindowAxis.EffectiveAt ? times.Effective[row] : times.Happened[row];
        return window.Contains(time, t) ? RowFate.Counted : window.IsBefore(time, t) ? RowFate.TooOld : RowFate.AfterWindow;
    }

    (RowFate Why, int? Other) WhyUnseen(int row)
    {
        // What happens later could not be known in any case, also where it never is.
        var begins = events.ValidFrom is not { } from ? long.MinValue : from.GetValue(row) ?? long.MaxValue;
        if (times.Happened[row] > t) return (begins > t ? RowFate.NotBegun : RowFate.NotHappened, versions.InForceBefore(row));
        if (!times.TakesEffect(row)) return (RowFate.NeverKnown, null);
        if (times.Effective[row] > t) return (RowFate.Late, versions.InForceBefore(row));
        var current = versions.Current(row);
        if (current != row) return (versions.Deletes(current) ? RowFate.Deleted : RowFate.Superseded, current);
        if (versions.Deletes(row)) return (RowFate.Deleted, null);
        return (begins > t ? RowFate.NotBegun : RowFate.Closed, null);
    }
}
