namespace BatchMl.Kernel;

/// <summary>
/// The rows of the key that is being swept, by position 0, 1, … in the order in which they can be seen, with their times side by side. Orders that not every query needs are worked
/// out when they are first asked for. One per thread, reused from key to key.
/// </summary>
sealed class KeyFrame(Buckets events, RowTimes times, ValueOrder order)
{
    readonly TimeSort sort = new();
    readonly TimeOrder byHappened = new(), byEffective = new(), byUntil = new();
    readonly ValueRanks ranks = new(order);
    int key;
    long[] happened = [], effective = [], until = [];
    bool hasHappened, hasEffective, hasUntil, hasByHappened, hasByEffective, hasByUntil, hasRanks;

    /// <summary>Changes with every key: what is derived from the rows is stale when it does.</summary>
    public int Version { get; private set; }

    public int Count { get; private set; }

    public TimeSort TimeSort => sort;

    /// <summary>Row by position.</summary>
    public ReadOnlySpan<int> Rows => events.Rows(key);

    /// <summary>First instant at which each can be seen, ascending.</summary>
    public ReadOnlySpan<long> Enter => events.Times(key);

    /// <summary>Whether rows have a time at all.</summary>
    public bool HasTime => times.HasTime;

    /// <summary>Whether rows leave before they expire.</summary>
    public bool Leaves => times.Until is not null;

    public void Load(int key)
    {
        this.key = key;
        Version++;
        Count = events.Length(key);
        events.Sort(key, sort);
        hasHappened = hasEffective = hasUntil = hasByHappened = hasByEffective = hasByUntil = hasRanks = false;
    }

    /// <summary>Event time by position.</summary>
    public ReadOnlySpan<long> Happened => ReferenceEquals(times.Happened, times.Enter) ? Enter : Gather(times.Happened, ref happened, ref hasHappened);

    /// <summary>Effective at by position.</summary>
    public ReadOnlySpan<long> Effective => ReferenceEquals(times.Effective, times.Enter) ? Enter : Gather(times.Effective, ref effective, ref hasEffective);

    /// <summary>Last instant at which each can be seen; only where rows leave.</summary>
    public ReadOnlySpan<long> Until => Gather(times.Until!, ref until, ref hasUntil);

    public TimeOrder ByHappened => Order(Happened, byHappened, ref hasByHappened);

    public TimeOrder ByEffective => Order(Effective, byEffective, ref hasByEffective);

    public TimeOrder ByUntil => Order(Until, byUntil, ref hasByUntil);

    public ValueRanks Ranks
    {
        get
        {
            if (!hasRanks) ranks.Load(Rows, ByHappened);
            hasRanks = true;
            return ranks;
        }
    }

    ReadOnlySpan<long> Gather(long[] byRow, ref long[] into, ref bool done)
    {
        if (!done)
        {
            if (into.Length < Count) into = new long[Math.Max(Count, into.Length * 2)];
            var rows = Rows;
            for (var i = 0; i < rows.Length; i++) into[i] = byRow[rows[i]];
            done = true;
        }
        return into.AsSpan(0, Count);
    }

    TimeOrder Order(ReadOnlySpan<long> timesByPosition, TimeOrder by, ref bool done)
    {
        if (!done) by.Load(timesByPosition, sort);
        done = true;
        return by;
    }
}
