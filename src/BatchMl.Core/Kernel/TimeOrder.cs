namespace BatchMl.Kernel;

/// <summary>Positions 0, 1, … of some rows in order of a time of theirs. Its arrays are reused and only as long as the rows where <see cref="Count"/> says so.</summary>
sealed class TimeOrder
{
    long[] times = [];
    int[] positions = [];

    public int Count { get; private set; }

    /// <summary>The times, ascending.</summary>
    public ReadOnlySpan<long> Times => times.AsSpan(0, Count);

    /// <summary>The position that has each of them.</summary>
    public ReadOnlySpan<int> Positions => positions.AsSpan(0, Count);

    /// <summary>Orders rows by <paramref name="timeOfRow"/>.</summary>
    public void Load(ReadOnlySpan<long> timeOfRow, ReadOnlySpan<int> rows, TimeSort sort)
    {
        Reserve(rows.Length);
        for (var i = 0; i < rows.Length; i++) times[i] = timeOfRow[rows[i]];
        sort.Sort(times.AsSpan(0, Count), positions.AsSpan(0, Count));
    }

    /// <summary>Orders positions by their times.</summary>
    public void Load(ReadOnlySpan<long> timeOfPosition, TimeSort sort)
    {
        Reserve(timeOfPosition.Length);
        timeOfPosition.CopyTo(times);
        sort.Sort(times.AsSpan(0, Count), positions.AsSpan(0, Count));
    }

    void Reserve(int count)
    {
        Count = count;
        if (times.Length < count) (times, positions) = (new long[Math.Max(count, times.Length * 2)], new int[Math.Max(count, times.Length * 2)]);
        for (var i = 0; i < count; i++) positions[i] = i;
    }
}
