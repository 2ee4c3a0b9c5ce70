namespace BatchMl.Kernel;

/// <summary>
/// A row holds at T iff <c>from &lt;= T</c>, it was known, and not (closed at or before T and the closing known at T): an end that is written later never leaks.
/// </summary>
static class ValidityIntervals
{
    public static void Apply(EventTable events, Presence presence, int[] keys)
    {
        var (from, to, closed) = (events.ValidFrom!, events.ValidTo, events.ClosedKnownAt);
        // So far a row leaves only because a later version of its fact replaced it, or deleted the fact.
        var isReplaced = System.Array.ConvertAll(presence.Leave, leave => leave != Presence.Never);
        for (var i = 0; i < events.Rows; i++)
        {
            if (presence.Enter[i] == Presence.Never) continue;
            if (from.IsNull(i))
            {
                presence.Enter[i] = Presence.Never;
                continue;
            }
            presence.Enter[i] = Math.Max(presence.Enter[i], from.Values[i]);
            if (to is null || to.IsNull(i)) continue;
            var known = closed is null ? presence.Effective[i] : closed.IsNull(i) ? Presence.Never : closed.Values[i];
            var leaves = known == Presence.Never ? Presence.Never : Math.Max(to.Values[i], known);
            if (leaves < presence.Leave[i]) (presence.Leave[i], presence.Ending[i]) = (leaves, RowFate.Closed);
        }
        CheckOverlaps(events, presence, keys, isReplaced);
    }

    // What is compared are declared intervals of rows that were never superseded or deleted: that a closing is not known yet makes no overlap.
    static void CheckOverlaps(EventTable events, Presence presence, int[] keys, bool[] isReplaced)
    {
        var (from, to) = (events.ValidFrom!, events.ValidTo);
        var rows = Enumerable.Range(0, events.Rows)
            .Where(i => keys[i] >= 0 && presence.Enter[i] != Presence.Never && !isReplaced[i]).ToArray();
        System.Array.Sort(rows, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : from.Values[a].CompareTo(from.Values[b]));
        var (open, openTo) = (-1, long.MinValue);
        foreach (var row in rows)
        {
            var end = to is null || to.IsNull(row) ? long.MaxValue : to.Values[row];
            if (end <= from.Values[row]) continue;
            if (open >= 0 && keys[open] == keys[row] && from.Values[row] < openTo)
            {
                throw new DataException(
                    $"Two rows of one key are valid at the same time: {Rows.Describe(events, open)} and {Rows.Describe(events, row)} (from {from.Values[row]} before the other's end, microseconds since 1970). "
                    + "Expected intervals [from, to) of a key that do not overlap. Mend the data, or add a column to the key that tells the rows apart.");
            }
            (open, openTo) = (row, end);
        }
    }
}
