namespace BatchMl.Kernel;

/// <summary>
/// The ranks of a key's rows in value order. Rows that value order can not tell apart have neighbouring ranks, the later row of the table the greater one.
/// </summary>
sealed class ValueRanks
{
    readonly Comparison<int> comparison;
    readonly ValueOrder order;
    int[] positions = [], rankOf = [], rows = [];
    bool[] equalsBelow = [];

    public ValueRanks(ValueOrder order)
    {
        this.order = order;
        comparison = (a, b) => order.CompareSimultaneous(rows[a], rows[b]) is var c && c != 0 ? c : rows[a].CompareTo(rows[b]);
    }

    /// <summary>Position by rank.</summary>
    public int[] PositionOf => positions;

    /// <summary>Rank by position.</summary>
    public int[] RankOf => rankOf;

    /// <summary>By rank: whether value order can not tell it from the rank below.</summary>
    public bool[] EqualsBelow => equalsBelow;

    public void Load(ReadOnlySpan<int> rowOfPosition, TimeOrder byHappened)
    {
        var count = rowOfPosition.Length;
        if (positions.Length < count)
        {
            var size = Math.Max(count, positions.Length * 2);
            (positions, rankOf, rows, equalsBelow) = (new int[size], new int[size], new int[size], new bool[size]);
        }
        rowOfPosition.CopyTo(rows);
        byHappened.Positions.CopyTo(positions);
        var times = byHappened.Times;
        for (var start = 0; start < count;)
        {
            var end = start + 1;
            while (end < count && times[end] == times[start]) end++;
            if (end - start > 1) positions.AsSpan(start, end - start).Sort(comparison);
            for (var r = start; r < end; r++)
            {
                rankOf[positions[r]] = r;
                equalsBelow[r] = r > start && order.CompareSimultaneous(rows[positions[r - 1]], rows[positions[r]]) == 0;
            }
            start = end;
        }
    }
}
