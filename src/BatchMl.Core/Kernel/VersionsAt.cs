namespace BatchMl.Kernel;

/// <summary>The versions of the facts of some rows, as they stand at one instant. Versions may be of other keys.</summary>
sealed class VersionsAt
{
    readonly EventTable events;
    readonly RowTimes times;
    readonly long t;
    // Without declared facts every row is a fact of its own.
    readonly int[]? facts;
    readonly Dictionary<int, List<int>> versions = [];

    public VersionsAt(EventTable events, RowTimes times, int[] rows, long t)
    {
        (this.events, this.times, this.t) = (events, times, t);
        if (events.Fact.Count == 0) return;
        facts = FactVersions.FactCodes(events).Codes;
        foreach (var row in rows) versions.TryAdd(facts[row], []);
        for (var i = 0; i < facts.Length; i++)
        {
            if (times.TakesEffect(i) && versions.TryGetValue(facts[i], out var known)) known.Add(i);
        }
    }

    public bool Deletes(int row) => events.Deleted?.GetValue(row) == true;

    /// <summary>The version of a row's fact that is in force; the row has taken effect.</summary>
    public int Current(int row) => facts is null ? row : versions[facts[row]].Where(v => times.Effective[v] <= t).MaxBy(v => times.Available[v]);

    /// <summary>The version that a row, which has not taken effect yet, is going to replace, if it ever does.</summary>
    public int? InForceBefore(int row)
    {
        if (facts is null || !times.TakesEffect(row)) return null;
        var known = versions[facts[row]].Where(v => times.Effective[v] <= t).ToArray();
        return known.Length > 0 && known.MaxBy(v => times.Available[v]) is var current && times.Available[current] < times.Available[row] ? current : null;
    }

    /// <summary>The version that is going to replace a row which is in force.</summary>
    public int? Next(int row)
    {
        if (facts is null) return null;
        var next = versions[facts[row]].Where(v => times.Effective[v] > t && times.Available[v] > times.Available[row]).ToArray();
        return next.Length == 0 ? null : next.OrderBy(v => times.Effective[v]).ThenByDescending(v => times.Available[v]).First();
    }
}
