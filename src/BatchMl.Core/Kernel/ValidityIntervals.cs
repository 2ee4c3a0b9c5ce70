using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// A row holds at T iff <c>from &lt;= T</c>, it was known, and not (closed at or before T and the closing known at T): an end that is written later never leaks.
/// </summary>
static class ValidityIntervals
{
    public static void Apply(EventTable events, RowTimes times, int[] keys)
    {
        CheckOverlaps(events, times, keys);
        var (from, to, closed) = (events.ValidFrom!, events.ValidTo, events.ClosedKnownAt);
        for (var i = 0; i < events.Rows; i++)
        {
            if (times.Never![i]) continue;
            if (from.IsNull(i))
            {
                (times.Never[i], times.Ending![i]) = (true, RowFate.Closed);
                continue;
            }
            times.Enter[i] = Math.Max(times.Enter[i], from.Values[i]);
            if (times.Until![i] < times.Enter[i]) times.Never[i] = true;
            // A closing that was never written down is never known.
            if (to is null || to.IsNull(i) || closed?.IsNull(i) == true) continue;
            times.End(i, closed is null ? to.Values[i] : Math.Max(to.Values[i], closed.Values[i]), RowFate.Closed);
        }
    }

    // What is compared are the stated intervals of rows that no version ever supersedes or deletes: that a closing is not known yet makes no overlap, nor does what was corrected.
    static void CheckOverlaps(EventTable events, RowTimes times, int[] keys)
    {
        var (from, to) = (events.ValidFrom!, events.ValidTo);
        var leftOut = new bool[events.Rows];
        for (var i = 0; i < leftOut.Length; i++)
            leftOut[i] = times.Never![i] || times.Ending![i] is RowFate.Superseded or RowFate.Deleted || from.IsNull(i) || End(to, i) <= from.Values[i];
        var buckets = new Buckets(keys, keys.Length == 0 ? 0 : keys.Max() + 1, from.Values.ToArray(), leftOut);
        var sort = new TimeSort();
        for (var key = 0; key < buckets.Keys; key++)
        {
            buckets.Sort(key, sort);
            var rows = buckets.Rows(key);
            var begins = buckets.Times(key);
            for (var i = 1; i < rows.Length; i++)
                if (begins[i] < End(to, rows[i - 1])) throw KernelErrors.Overlap(events, rows[i - 1], rows[i]);
        }
    }

    static long End(TimestampArray? to, int row) => to is null || to.IsNull(row) ? long.MaxValue : to.Values[row];
}
