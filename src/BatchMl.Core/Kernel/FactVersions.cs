namespace BatchMl.Kernel;

/// <summary>
/// At T only the version of a fact with the greatest available-at among those with <c>effective_at &lt;= T</c> counts; a deleting version leaves nothing. A fact is its fact columns alone: a
/// version may move it to another key.
/// </summary>
static class FactVersions
{
    public static void Apply(EventTable events, RowTimes times)
    {
        var (codes, count) = FactCodes(events);
        var facts = new Buckets(codes, count, times.Effective, times.Never);
        var sort = new TimeSort();
        var byAvailable = new TimeOrder();
        for (var fact = 0; fact < facts.Keys; fact++)
        {
            if (facts.Length(fact) == 0) continue;
            facts.Sort(fact, sort);
            var versions = facts.Rows(fact);
            if (versions.Length > 1) CheckDistinct(events, times, versions, byAvailable, sort);
            Succeed(events, times, versions);
        }
    }

    // Versions come in order of when they take effect, those that do so together in any order.
    static void Succeed(EventTable events, RowTimes times, ReadOnlySpan<int> versions)
    {
        var current = -1;
        foreach (var row in versions)
        {
            var deletes = events.Deleted?.GetValue(row) == true;
            if (current < 0 || times.Available[row] > times.Available[current])
            {
                if (current >= 0) times.End(current, times.Effective[row], deletes ? RowFate.Deleted : RowFate.Superseded);
                current = row;
            }
            else
            {
                // An older version that takes effect with or after a newer one never shows.
                times.End(row, times.Effective[row], RowFate.Superseded);
            }
            if (deletes) times.End(row, times.Effective[row], RowFate.Deleted);
        }
    }

    static void CheckDistinct(EventTable events, RowTimes times, ReadOnlySpan<int> versions, TimeOrder byAvailable, TimeSort sort)
    {
        byAvailable.Load(times.Available, versions, sort);
        for (var i = 1; i < versions.Length; i++)
        {
            if (byAvailable.Times[i] == byAvailable.Times[i - 1])
                throw KernelErrors.EqualVersions(events, versions[byAvailable.Positions[i - 1]], versions[byAvailable.Positions[i]], byAvailable.Times[i]);
        }
    }

    /// <summary>Dense codes of the rows' facts, which are compared like keys, but nulls are equal to each other.</summary>
    public static (int[] Codes, int Count) FactCodes(EventTable events)
    {
        var codes = new int[events.Rows];
        var part = new int[events.Rows];
        var count = 1;
        foreach (var column in events.Fact)
        {
            new ComponentEncoder(column is Apache.Arrow.StringArray).Encode(column, 0, part, add: true);
            var table = new CodeTable();
            for (var i = 0; i < codes.Length; i++) codes[i] = table.Code(((long)codes[i] << 32) | (uint)(part[i] + 1), add: true);
            count = table.Count;
        }
        return (codes, count);
    }
}
