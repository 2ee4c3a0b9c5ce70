using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>Values by position as integers of the same order and, where asked for, their ranks within the key; equal values have neighbouring ranks.</summary>
/// <param name="values">The values.</param>
/// <param name="textCodes">For text: by row, the place of its value among the column's different values in order.</param>
sealed class RankColumn(IArrowArray values, int[]? textCodes) : FrameColumn
{
    long[] codes = [], sorted = [];
    int[] positions = [], rankOf = [], groupOf = [];
    bool isRanked, isGrouped;
    int count;

    /// <summary>Integers of the values' order.</summary>
    public long[] Codes => codes;

    /// <summary>Rank by position; -1 for null.</summary>
    public int[] RankOf => rankOf;

    /// <summary>Position by rank.</summary>
    public int[] PositionOf => positions;

    /// <summary>Number of ranks: of values that are not null.</summary>
    public int Ranks { get; private set; }

    /// <summary>Which different value each position has, 0, 1, …; -1 for null.</summary>
    public int[] GroupOf => groupOf;

    /// <summary>Number of different values.</summary>
    public int Groups { get; private set; }

    protected override void Load(KeyFrame frame)
    {
        Reserve(ref codes, frame.Count);
        Reserve(ref rankOf, frame.Count);
        count = frame.Count;
        isRanked = isGrouped = false;
        ReadCodes(frame.Rows);
        for (var i = 0; i < count; i++) rankOf[i] = 0;
        if (values.NullCount == 0) return;
        var rows = frame.Rows;
        for (var i = 0; i < count; i++)
            if (values.IsNull(rows[i])) rankOf[i] = -1;
    }

    /// <summary>Whether a position's value is null.</summary>
    public bool IsNull(int position) => rankOf[position] < 0;

    public void EnsureRanks(KeyFrame frame)
    {
        Ensure(frame);
        if (isRanked) return;
        isRanked = true;
        Reserve(ref sorted, count);
        Reserve(ref positions, count);
        var ranks = 0;
        for (var i = 0; i < count; i++)
        {
            if (rankOf[i] < 0) continue;
            sorted[ranks] = codes[i];
            positions[ranks++] = i;
        }
        frame.TimeSort.Sort(sorted.AsSpan(0, ranks), positions.AsSpan(0, ranks));
        for (var r = 0; r < ranks; r++) rankOf[positions[r]] = r;
        Ranks = ranks;
    }

    public void EnsureGroups(KeyFrame frame)
    {
        EnsureRanks(frame);
        if (isGrouped) return;
        isGrouped = true;
        Reserve(ref groupOf, count);
        groupOf.AsSpan(0, count).Fill(-1);
        var group = -1;
        for (var r = 0; r < Ranks; r++)
        {
            if (r == 0 || !AreEqual(sorted[r], sorted[r - 1])) group++;
            groupOf[positions[r]] = group;
        }
        Groups = group + 1;
    }

    // The two zeros differ in order, so that the least of them is a value that occurs, but are one value.
    bool AreEqual(long a, long b) => a == b || (values is DoubleArray && a is 0 or -1 && b is 0 or -1);

    void ReadCodes(ReadOnlySpan<int> rows)
    {
        switch (values)
        {
            case StringArray: Gather(textCodes!, rows); break;
            case Int64Array a: Gather(a.Values, rows); break;
            case TimestampArray a: Gather(a.Values, rows); break;
            case Date32Array a: Gather(a.Values, rows); break;
            case DoubleArray a:
                var numbers = a.Values;
                for (var i = 0; i < rows.Length; i++) codes[i] = SortableBits.Of(numbers[rows[i]]);
                break;
            case BooleanArray a:
                for (var i = 0; i < rows.Length; i++) codes[i] = a.GetValue(rows[i]) == true ? 1 : 0;
                break;
            default: throw ComponentEncoder.NotCanonical(values);
        }
    }

    void Gather(ReadOnlySpan<long> source, ReadOnlySpan<int> rows)
    {
        for (var i = 0; i < rows.Length; i++) codes[i] = source[rows[i]];
    }

    void Gather(ReadOnlySpan<int> source, ReadOnlySpan<int> rows)
    {
        for (var i = 0; i < rows.Length; i++) codes[i] = source[rows[i]];
    }

    /// <summary>By row, the place of a text among the different texts of the column in the order of their bytes; null for columns that are not text.</summary>
    public static int[]? TextCodes(IArrowArray values)
    {
        if (values is not StringArray) return null;
        var encoder = new ComponentEncoder(isText: true);
        var codes = new int[values.Length];
        encoder.Encode(values, 0, codes, add: true);
        int[] sorted = [.. Enumerable.Range(0, encoder.Count)];
        sorted.AsSpan().Sort((a, b) => encoder.Text(a).SequenceCompareTo(encoder.Text(b)));
        var places = new int[sorted.Length];
        for (var i = 0; i < sorted.Length; i++) places[sorted[i]] = i;
        for (var i = 0; i < codes.Length; i++) codes[i] = codes[i] < 0 ? 0 : places[codes[i]];
        return codes;
    }
}
