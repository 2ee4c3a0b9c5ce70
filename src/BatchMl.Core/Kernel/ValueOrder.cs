using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// Value order: <c>(event time, available at, tie-break columns)</c>. Nulls sort first, NaN last, text by UTF-8 bytes. Tie-break columns are only looked at where the times are equal.
/// </summary>
sealed class ValueOrder(RowTimes times, IReadOnlyList<IArrowArray> tieBreak)
{
    public int Compare(int a, int b)
    {
        var order = times.Happened[a].CompareTo(times.Happened[b]);
        return order != 0 ? order : CompareSimultaneous(a, b);
    }

    /// <summary>Of two rows with one event time.</summary>
    public int CompareSimultaneous(int a, int b)
    {
        var order = times.Available[a].CompareTo(times.Available[b]);
        for (var i = 0; order == 0 && i < tieBreak.Count; i++) order = CompareValues(tieBreak[i], a, b);
        return order;
    }

    /// <summary>Two values of a column.</summary>
    public static int CompareValues(IArrowArray array, int a, int b)
    {
        var (validA, validB) = (array.IsValid(a), array.IsValid(b));
        if (!validA || !validB) return validA.CompareTo(validB);
        return array switch
        {
            Int64Array v => v.Values[a].CompareTo(v.Values[b]),
            TimestampArray v => v.Values[a].CompareTo(v.Values[b]),
            Date32Array v => v.Values[a].CompareTo(v.Values[b]),
            DoubleArray v => SortableBits.OfKey(v.Values[a]) == SortableBits.OfKey(v.Values[b]) ? 0 : SortableBits.Of(v.Values[a]).CompareTo(SortableBits.Of(v.Values[b])),
            BooleanArray v => v.GetValue(a)!.Value.CompareTo(v.GetValue(b)!.Value),
            StringArray v => v.GetBytes(a).SequenceCompareTo(v.GetBytes(b)),
            _ => throw ComponentEncoder.NotCanonical(array),
        };
    }
}
