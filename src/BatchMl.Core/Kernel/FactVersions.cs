namespace BatchMl.Kernel;

/// <summary>
/// At T only the version of a fact with the greatest available-at among those with <c>effective_at &lt;= T</c> counts; a deleting version leaves nothing. A fact is its fact columns alone: a
/// version may move it to another key.
/// </summary>
static class FactVersions
{
    /// <summary>Ends rows where versions of their facts replace or delete them.</summary>
    /// <param name="events">The rows.</param>
    /// <param name="times">Their times.</param>
    /// <param name="deletesUntil">The first version of a fact must not delete it, if it became available by then; null: it may.</param>
    public static void Apply(EventTable events, RowTimes times, long? deletesUntil)
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
            var first = versions.Length == 1 ? versions[0] : CheckDistinct(events, times, versions, byAvailable, sort);
            if (times.Available[first] <= deletesUntil && Deletes(events, first)) throw KernelErrors.UnknownDelete(events, first);
            Succeed(events, times, versions);
        }
    }

    // Versions come in order of when they take effect, those that do so together in any order.
    static void Succeed(EventTable events, RowTimes times, ReadOnlySpan<int> versions)
    {
        var current = -1;
        foreach (var row in versions)
        {
            var deletes = Deletes(events, row);
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

    static bool Deletes(EventTable events, int row) => events.Deleted?.GetValue(row) == true;

    // Gives the version that became available first.
    static int CheckDistinct(EventTable events, RowTimes times, ReadOnlySpan<int> versions, TimeOrder byAvailable, TimeSort sort)
    {
        byAvailable.Load(times.Available, versions, sort);
        for (var i = 1; i < versions.Length; i++)
        {
            if (byAvailable.Times[i] == byAvailable.Times[i - 1])
                throw KernelErrors.EqualVersions(events, versions[byAvailable.Positions[i - 1]], versions[byAvailable.Positions[i]], byAvailable.Times[i]);
        }
        return versions[byAvailable.Positions[0]];
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
