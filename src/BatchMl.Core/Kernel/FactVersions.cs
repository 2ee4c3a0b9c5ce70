namespace BatchMl.Kernel;

/// <summary>
/// At T only the version of a fact with the greatest available-at among those with <c>effective_at &lt;= T</c> counts; a deleting version leaves nothing. A fact is its fact columns alone: a
/// version may move it to another key.
/// </summary>
static class FactVersions
{
    public static void Apply(EventTable events, Presence presence)
    {
        var facts = FactCodes(events);
        var rows = Enumerable.Range(0, events.Rows).Where(i => presence.Effective[i] != Presence.Never).ToArray();
        // By fact, then by when each version becomes effective, the greatest available-at first among equals: what it beats never shows.
        System.Array.Sort(rows, (a, b) =>
        {
            var order = facts[a].CompareTo(facts[b]);
            if (order == 0) order = presence.Effective[a].CompareTo(presence.Effective[b]);
            return order != 0 ? order : presence.AvailableAt[b].CompareTo(presence.AvailableAt[a]);
        });
        for (var start = 0; start < rows.Length;)
        {
            var end = start + 1;
            while (end < rows.Length && facts[rows[end]] == facts[rows[start]]) end++;
            Sweep(events, presence, rows.AsSpan(start, end - start));
            start = end;
        }
    }

    static void Sweep(EventTable events, Presence presence, ReadOnlySpan<int> versions)
    {
        CheckDistinct(events, presence, versions);
        var current = -1;
        foreach (var row in versions)
        {
            if (current >= 0 && presence.AvailableAt[row] < presence.AvailableAt[current])
            {
                // An older version that becomes effective after a newer one is superseded from the start.
                (presence.Enter[row], presence.Leave[row], presence.Ending[row]) = (presence.Effective[row], presence.Effective[row], RowFate.Superseded);
                continue;
            }
            var deletes = events.Deleted?.GetValue(row) == true;
            if (current >= 0 && presence.Leave[current] == Presence.Never)
            {
                presence.Leave[current] = presence.Effective[row];
                presence.Ending[current] = deletes ? RowFate.Deleted : RowFate.Superseded;
            }
            if (deletes)
            {
                (presence.Enter[row], presence.Leave[row], presence.Ending[row]) = (presence.Effective[row], presence.Effective[row], RowFate.Deleted);
            }
            current = row;
        }
    }

    static void CheckDistinct(EventTable events, Presence presence, ReadOnlySpan<int> versions)
    {
        if (versions.Length < 2) return;
        var byAvailable = versions.ToArray();
        System.Array.Sort(byAvailable, (a, b) => presence.AvailableAt[a].CompareTo(presence.AvailableAt[b]));
        for (var i = 1; i < byAvailable.Length; i++)
        {
            if (presence.AvailableAt[byAvailable[i]] != presence.AvailableAt[byAvailable[i - 1]]) continue;
            throw new DataException(
                $"Two versions of one fact became available at the same time, so neither is the later one: {Rows.Describe(events, byAvailable[i - 1])} and {Rows.Describe(events, byAvailable[i])}. "
                + "Expected a different available-at for each version. Mend the data, or declare an available-at that tells them apart.");
        }
    }

    // Facts are compared like keys, but nulls are equal to each other.
    static int[] FactCodes(EventTable events)
    {
        var codes = new int[events.Rows];
        foreach (var column in events.Fact)
        {
            var part = new KeyEncoder([column]).Encode([column], events.Rows, add: true);
            var table = new CodeTable();
            for (var i = 0; i < codes.Length; i++) codes[i] = table.Code(((long)codes[i] << 32) | (uint)(part[i] + 1), add: true);
        }
        return codes;
    }
}

/// <summary>Names rows in messages.</summary>
static class Rows
{
    public static string Describe(EventTable events, int row) => events.Describe?.Invoke(row) ?? $"row {row}";
}
