using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>Min, Max, DistinctCount and Quantile: the values of a key's rows as ranks in an <see cref="OrderedBag"/>, logarithmic per row whatever the lags.</summary>
/// <param name="values">The values.</param>
/// <param name="aggregate">Which aggregate.</param>
/// <param name="ranks">Rank by row; shared by threads, each writes the rows of its own keys.</param>
sealed class RankAccumulator(IArrowArray values, AggregateSpec aggregate, int[] ranks) : Accumulator
{
    readonly OrderedBag bag = new();
    int[] order = [];
    int[] rowOfRank = [];
    long[] codes = [];

    public override void Reset(ReadOnlySpan<int> rows)
    {
        if (order.Length < rows.Length) (order, rowOfRank, codes) = (new int[rows.Length], new int[rows.Length], new long[rows.Length]);
        var count = 0;
        foreach (var row in rows)
        {
            if (values.IsValid(row)) order[count++] = row;
        }
        bag.Reset(Rank(order.AsSpan(0, count)));
    }

    int Rank(Span<int> sorted)
    {
        if (values is StringArray)
        {
            sorted.Sort((a, b) => ValueOrder.CompareValues(values, a, b) is var c && c != 0 ? c : a.CompareTo(b));
            return Assign(sorted, (a, b) => ValueOrder.CompareValues(values, a, b) == 0);
        }
        for (var i = 0; i < sorted.Length; i++) codes[i] = Code(sorted[i]);
        var span = codes.AsSpan(0, sorted.Length);
        span.Sort(sorted);
        var rank = -1;
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i == 0 || codes[i] != codes[i - 1]) rowOfRank[++rank] = sorted[i];
            ranks[sorted[i]] = rank;
        }
        return rank + 1;
    }

    int Assign(Span<int> sorted, Func<int, int, bool> equal)
    {
        var rank = -1;
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i == 0 || !equal(sorted[i], sorted[i - 1])) rowOfRank[++rank] = sorted[i];
            ranks[sorted[i]] = rank;
        }
        return rank + 1;
    }

    long Code(int row) => values switch
    {
        Int64Array v => v.Values[row],
        DoubleArray v => aggregate.Kind == AggregateKind.DistinctCount ? SortableBits.OfKey(v.Values[row]) : SortableBits.Of(v.Values[row]),
        TimestampArray v => v.Values[row],
        Date32Array v => v.Values[row],
        BooleanArray v => v.GetValue(row) == true ? 1 : 0,
        _ => throw new ArgumentException($"A value of type {values.Data.DataType.Name} is not canonical.", nameof(row)),
    };

    public override void Add(int row)
    {
        if (values.IsValid(row)) bag.Add(ranks[row]);
    }

    public override void Remove(int row)
    {
        if (values.IsValid(row)) bag.Remove(ranks[row]);
    }

    public override void Write(KernelOutput output, int spineRow)
    {
        if (aggregate.Kind == AggregateKind.DistinctCount) output.Set(spineRow, bag.Distinct);
        else if (bag.Count == 0) return;
        else if (aggregate.Kind == AggregateKind.Quantile) output.Set(spineRow, Quantile());
        else output.Rows[spineRow] = rowOfRank[bag.Kth(aggregate.Kind == AggregateKind.Min ? 0 : bag.Count - 1)];
    }

    // Linear interpolation between order statistics at q*(n-1), as NumPy's default.
    double Quantile()
    {
        var position = aggregate.Parameter * (bag.Count - 1);
        var below = (int)Math.Floor(position);
        var lower = Number(rowOfRank[bag.Kth(below)]);
        if (below == position || below + 1 >= bag.Count) return lower;
        var upper = Number(rowOfRank[bag.Kth(below + 1)]);
        return lower == upper ? lower : lower + (upper - lower) * (position - below);
    }

    double Number(int row) => values is DoubleArray doubles ? doubles.Values[row] : ((Int64Array)values).Values[row];
}

/// <summary>First and Last: the least or greatest fact in value order, taken whole, its null too.</summary>
sealed class EdgeAccumulator(EventTable events, int value, ValueOrder order, bool tiesAllowed, bool last, int[] ranks) : Accumulator
{
    readonly OrderedBag bag = new();
    int[] sorted = [];

    public override void Reset(ReadOnlySpan<int> rows)
    {
        if (sorted.Length < rows.Length) sorted = new int[rows.Length];
        var mine = sorted.AsSpan(0, rows.Length);
        rows.CopyTo(mine);
        mine.Sort((a, b) => order.Compare(a, b) is var c && c != 0 ? c : a.CompareTo(b));
        for (var r = 0; r < mine.Length; r++) ranks[mine[r]] = r;
        bag.Reset(rows.Length);
    }

    public override void Add(int row) => bag.Add(ranks[row]);
    public override void Remove(int row) => bag.Remove(ranks[row]);

    public override void Write(KernelOutput output, int spineRow)
    {
        if (bag.Count == 0) return;
        var position = last ? bag.Count - 1 : 0;
        var row = sorted[bag.Kth(position)];
        // Equal neighbours are next to it among those present. The later row of the table counts where ties are allowed.
        for (var next = last ? position - 1 : position + 1; next >= 0 && next < bag.Count; next += last ? -1 : 1)
        {
            var other = sorted[bag.Kth(next)];
            if (order.Compare(other, row) != 0) break;
            if (!tiesAllowed && ValueOrder.CompareValues(events.Values[value], other, row) != 0) throw Ties.Error(events, other, row);
            if (!last) row = other;
        }
        output.Rows[spineRow] = row;
    }
}
