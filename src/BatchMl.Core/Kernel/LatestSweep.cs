using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Latest values of one key after the other. Where no row ever leaves, the latest is a running maximum in value order; otherwise the greatest of those present.
/// </summary>
sealed class LatestSweep(EventTable events, AsOfQuery query, Presence presence, ValueOrder order, KernelOutput[] outputs)
{
    readonly OrderedBag[] bags = [.. query.Latest.Select(_ => new OrderedBag())];
    readonly int[] best = new int[query.Latest.Count];
    readonly int[] rival = new int[query.Latest.Count];
    int[] byRank = [];
    int[] rankOf = [];
    int[] leaving = [];
    long[] scratch = [];

    /// <param name="rows">The key's events, ordered by <see cref="Presence.Enter"/>.</param>
    /// <param name="spine">Its spine rows, ordered by time.</param>
    /// <param name="asOf">Times by spine row.</param>
    public void Sweep(ReadOnlySpan<int> rows, ReadOnlySpan<int> spine, ReadOnlySpan<long> asOf)
    {
        if (query.Latest.Count == 0) return;
        if (presence.Retracts) SweepWithRetractions(rows, spine, asOf);
        else SweepRunning(rows, spine, asOf);
    }

    void SweepRunning(ReadOnlySpan<int> rows, ReadOnlySpan<int> spine, ReadOnlySpan<long> asOf)
    {
        best.AsSpan().Fill(-1);
        var next = 0;
        foreach (var row in spine)
        {
            var t = asOf[row];
            for (; next < rows.Length && presence.Enter[rows[next]] <= t; next++) Arrive(rows[next]);
            for (var s = 0; s < best.Length; s++) Emit(s, row, t, best[s], rival[s]);
        }
    }

    void Arrive(int row)
    {
        for (var s = 0; s < best.Length; s++)
        {
            var spec = query.Latest[s];
            if (spec.NonNull && events.Values[spec.Value].IsNull(row)) continue;
            var comparison = best[s] < 0 ? 1 : order.Compare(row, best[s]);
            if (comparison > 0) (best[s], rival[s]) = (row, -1);
            else if (comparison == 0) Tie(s, row);
        }
    }

    // Of equal rows the later one of the table counts where ties are allowed; otherwise a rival with another value is an error once a spine row asks.
    void Tie(int s, int row)
    {
        if (Differ(query.Latest[s].Value, row, best[s])) rival[s] = Math.Min(row, best[s]);
        best[s] = Math.Max(row, best[s]);
    }

    bool Differ(int value, int a, int b) => ValueOrder.CompareValues(events.Values[value], a, b) != 0;

    void SweepWithRetractions(ReadOnlySpan<int> rows, ReadOnlySpan<int> spine, ReadOnlySpan<long> asOf)
    {
        Rank(rows);
        foreach (var bag in bags) bag.Reset(rows.Length);
        var leave = leaving.AsSpan(0, rows.Length);
        rows.CopyTo(leave);
        KeyGroups.SortByTime(leave, presence.Leave, ref scratch);
        var (entered, left) = (0, 0);
        foreach (var row in spine)
        {
            var t = asOf[row];
            for (; entered < rows.Length && presence.Enter[rows[entered]] <= t; entered++) Put(rows[entered], +1);
            for (; left < rows.Length && presence.Leave[leave[left]] <= t; left++) Put(leave[left], -1);
            for (var s = 0; s < bags.Length; s++)
            {
                if (bags[s].Count == 0) continue;
                var rank = bags[s].Kth(bags[s].Count - 1);
                Emit(s, row, t, byRank[rank], Rival(s, rank));
            }
        }
    }

    void Put(int row, int sign)
    {
        // A row that never shows (superseded before it was known) neither enters nor leaves.
        if (presence.Enter[row] >= presence.Leave[row]) return;
        for (var s = 0; s < bags.Length; s++)
        {
            if (query.Latest[s].NonNull && events.Values[query.Latest[s].Value].IsNull(row)) continue;
            if (sign > 0) bags[s].Add(rankOf[row]);
            else bags[s].Remove(rankOf[row]);
        }
    }

    int Rival(int s, int rank)
    {
        for (var r = rank - 1; r >= 0 && order.Compare(byRank[r], byRank[rank]) == 0; r--)
        {
            if (bags[s].CountOf(r) > 0 && Differ(query.Latest[s].Value, byRank[r], byRank[rank])) return byRank[r];
        }
        return -1;
    }

    void Rank(ReadOnlySpan<int> rows)
    {
        if (byRank.Length < rows.Length) (byRank, leaving) = (new int[rows.Length], new int[rows.Length]);
        if (rankOf.Length == 0) rankOf = new int[events.Rows];
        var ranked = byRank.AsSpan(0, rows.Length);
        rows.CopyTo(ranked);
        ranked.Sort((a, b) => order.Compare(a, b) is var c && c != 0 ? c : a.CompareTo(b));
        for (var r = 0; r < ranked.Length; r++) rankOf[ranked[r]] = r;
    }

    void Emit(int s, int spineRow, long t, int row, int rivalRow)
    {
        if (row < 0) return;
        // The ttl tests the chosen row, both ends inclusive; T - ttl saturates. A row without time has no age.
        if (query.Ttl is { } ttl && events.EventTime is not null && presence.EventTime[row] < (t < long.MinValue + ttl ? long.MinValue : t - ttl)) return;
        if (rivalRow >= 0 && !query.TiesAllowed) throw Ties.Error(events, rivalRow, row);
        outputs[s].Rows[spineRow] = row;
    }
}

/// <summary>Two rows that value order can not tell apart.</summary>
static class Ties
{
    public static DataException Error(EventTable events, int a, int b) => new(events.EventTime is null
        ? $"A look-up without time has several rows of one key with different values: {Rows.Describe(events, a)} and {Rows.Describe(events, b)}. Expected one row per key. Mend the data, or add to the key what tells them apart."
        : $"Two rows are equal in value order (event time, available at{(events.TieBreak.Count > 0 ? ", tie-break columns" : "")}) and have different values: {Rows.Describe(events, a)} and {Rows.Describe(events, b)}. "
            + "Expected an order that decides. Declare (more) tie-break columns with .TieBreak(…), or let the later row of the table count with .AllowTies().");
}
