using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Latest values of one key after the other. Where no row ever leaves, the latest is a running maximum in value order; otherwise the greatest of those present. Values that are taken from one row
/// together are followed together.
/// </summary>
sealed class LatestSweep
{
    readonly EventTable events;
    readonly AsOfQuery query;
    readonly ValueOrder order;
    readonly LatestTrack[] tracks;
    readonly int[][] outputs;

    /// <param name="events">The events.</param>
    /// <param name="query">The query.</param>
    /// <param name="order">Value order.</param>
    /// <param name="tracks">What is followed.</param>
    /// <param name="outputs">For each track, the chosen row by place of the spine row; -1: none.</param>
    public LatestSweep(EventTable events, AsOfQuery query, ValueOrder order, IReadOnlyList<LatestTrack> tracks, int[][] outputs)
    {
        (this.events, this.query, this.order, this.outputs) = (events, query, order, outputs);
        this.tracks = [.. tracks.Select(t => t.Fresh())];
    }

    /// <param name="frame">The key's events.</param>
    /// <param name="asOf">Times of its spine rows, ascending.</param>
    /// <param name="place">Place of the first of them in the outputs.</param>
    public void Sweep(KeyFrame frame, ReadOnlySpan<long> asOf, int place)
    {
        for (var i = 0; i < tracks.Length; i++)
        {
            if (frame.Leaves) Present(tracks[i], frame, asOf, outputs[i].AsSpan(place));
            else Running(tracks[i], frame, asOf, outputs[i].AsSpan(place));
        }
    }

    void Running(LatestTrack track, KeyFrame frame, ReadOnlySpan<long> asOf, Span<int> output)
    {
        var rows = frame.Rows;
        var enter = frame.Enter;
        var happened = frame.Happened;
        int next = 0, best = -1, rival = -1;
        var bestTime = long.MinValue;
        for (var s = 0; s < asOf.Length; s++)
        {
            var t = asOf[s];
            for (; next < enter.Length && enter[next] <= t; next++)
            {
                var (row, time) = (rows[next], happened[next]);
                if (best >= 0 && time < bestTime) continue;
                if (track.NonNull is { } needed && needed.IsNull(row)) continue;
                var comparison = best < 0 || time > bestTime ? 1 : order.CompareSimultaneous(row, best);
                if (comparison < 0) continue;
                if (comparison > 0)
                {
                    (best, rival, bestTime) = (row, -1, time);
                    continue;
                }
                // Of equal rows the later one of the table counts; a rival with other values is an error once a spine row asks for them.
                if (track.Differ(row, best)) rival = Math.Min(row, best);
                best = Math.Max(row, best);
            }
            if (best < 0 || IsStale(frame, bestTime, t)) continue;
            if (rival >= 0 && !query.TiesAllowed) throw KernelErrors.Tie(events, rival, best);
            output[s] = best;
        }
    }

    void Present(LatestTrack track, KeyFrame frame, ReadOnlySpan<long> asOf, Span<int> output)
    {
        var rows = frame.Rows;
        var enter = frame.Enter;
        var until = frame.Until;
        var leaving = frame.ByUntil;
        var ranks = frame.Ranks;
        var happened = frame.Happened;
        var present = track.Present;
        present.Reset(frame.Count);
        int entered = 0, left = 0;
        for (var s = 0; s < asOf.Length; s++)
        {
            var t = asOf[s];
            for (; entered < enter.Length && enter[entered] <= t; entered++)
            {
                if (until[entered] >= t && track.NonNull?.IsNull(rows[entered]) != true) present.Add(ranks.RankOf[entered]);
            }
            for (; left < leaving.Count && leaving.Times[left] < t; left++) present.Remove(ranks.RankOf[leaving.Positions[left]]);
            if (present.IsEmpty) continue;
            var rank = present.Max;
            var position = ranks.PositionOf[rank];
            if (IsStale(frame, happened[position], t)) continue;
            if (!query.TiesAllowed) RefuseTie(track, frame, rank);
            output[s] = rows[position];
        }
    }

    void RefuseTie(LatestTrack track, KeyFrame frame, int rank)
    {
        var ranks = frame.Ranks;
        var row = frame.Rows[ranks.PositionOf[rank]];
        for (var r = rank; ranks.EqualsBelow[r]; r--)
        {
            var other = frame.Rows[ranks.PositionOf[r - 1]];
            if (track.Present.Contains(r - 1) && track.Differ(other, row)) throw KernelErrors.Tie(events, other, row);
        }
    }

    // The ttl tests the chosen row.
    bool IsStale(KeyFrame frame, long happened, long t) => RowTimes.IsStale(query.Ttl, frame.HasTime, happened, t);
}

/// <summary>Latest values that come from one row: all that take it whole, or those of one column that must not be null.</summary>
sealed class LatestTrack(IArrowArray? nonNull, IReadOnlyList<IArrowArray> values)
{
    public IArrowArray? NonNull { get; } = nonNull;

    /// <summary>Ranks of the rows present.</summary>
    public RankSet Present { get; } = new();

    /// <summary>Whether any of the values asked for differs.</summary>
    public bool Differ(int a, int b)
    {
        foreach (var column in values)
            if (ValueOrder.CompareValues(column, a, b) != 0) return true;
        return false;
    }

    /// <summary>The same with state of its own, for another thread.</summary>
    public LatestTrack Fresh() => new(NonNull, values);

    /// <summary>The tracks of a query, and for each latest value the one that it is on.</summary>
    public static (IReadOnlyList<LatestTrack> Tracks, int[] TrackOf) Of(EventTable events, AsOfQuery query)
    {
        var keys = query.Latest.Select(l => l.NonNull ? l.Value : -1).ToArray();
        int[] distinct = [.. keys.Distinct()];
        return ([.. distinct.Select(k => new LatestTrack(
                k < 0 ? null : events.Values[k],
                [.. query.Latest.Where((_, i) => keys[i] == k).Select(l => events.Values[l.Value]).Distinct()]))],
            [.. keys.Select(k => System.Array.IndexOf(distinct, k))]);
    }
}
