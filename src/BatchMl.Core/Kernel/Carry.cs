using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Kernel;

/// <summary>
/// The carry of a unit that begins at an instant: of the rows before it, only those that a row of the unit can still see as a latest value. Computed from the source
/// each time, never from an earlier unit's output.
/// </summary>
public static class Carry
{
    /// <summary>
    /// Which rows to keep for spine rows with <c>as_of &gt;= unitStart</c> and a query of latest values over plain rows (no facts, no validity): all that become effective after
    /// <paramref name="unitStart"/>; and per key, for each latest value asked for, the greatest row in value order with <c>effective_at &lt;= unitStart</c>.
    /// Rows that are equal in value order to a kept one are kept too, so that ties are still found.
    /// </summary>
    public static bool[] Keep(EventTable events, AsOfQuery query, long unitStart)
    {
        var keep = new bool[events.Rows];
        var asOf = new long[events.Rows];
        asOf.AsSpan().Fill(unitStart);
        var ordinals = new long[events.Rows];
        for (var i = 0; i < ordinals.Length; i++) ordinals[i] = i;
        var all = new Int64Array(new ArrowBuffer.Builder<long>(ordinals.Length).Append(ordinals).Build(), ArrowBuffer.Empty, ordinals.Length, 0, 0);

        // Each row asks for the latest row of its own key: the first by any value, then by each value that must not be null.
        IArrowArray[] values = [all, .. query.Latest.Where(l => l.NonNull).Select(l => OrdinalWhereValid(events.Values[l.Value], ordinals))];
        var latest = AsOfKernel.Compute(
            events with { Values = values },
            new SpineTable(events.Keys, ArrowColumns.Timestamps(asOf)),
            new AsOfQuery
            {
                Latest = [.. values.Select((_, i) => new LatestSpec(i, NonNull: i > 0))],
                TiesAllowed = true,
                IgnoreAvailability = query.IgnoreAvailability,
            });
        for (var i = 0; i < keep.Length; i++)
        {
            if (IsEffectiveAfter(events, query, i, unitStart)) keep[i] = true;
            foreach (Int64Array column in latest.Cast<Int64Array>())
            {
                if (column.IsNull(i)) continue;
                var best = (int)column.Values[i];
                keep[best] = true;
                if (!query.TiesAllowed && SameOrder(events, i, best)) keep[i] = true;
            }
        }
        return keep;
    }

    static bool IsEffectiveAfter(EventTable events, AsOfQuery query, int row, long instant)
    {
        if (events.EventTime!.IsNull(row)) return false;
        if (events.EventTime.Values[row] > instant) return true;
        return events.AvailableAt is { } known && !query.IgnoreAvailability && known.IsValid(row) && known.Values[row] > instant;
    }

    static bool SameOrder(EventTable events, int a, int b)
    {
        if (events.EventTime!.IsNull(a) || events.EventTime.Values[a] != events.EventTime.Values[b]) return false;
        if (events.AvailableAt is { } known && known.GetValue(a) != known.GetValue(b)) return false;
        return events.TieBreak.All(t => Equals(Columns.ValueAt(t, a), Columns.ValueAt(t, b)));
    }

    static Int64Array OrdinalWhereValid(IArrowArray values, long[] ordinals)
    {
        var builder = new Int64Array.Builder().Reserve(ordinals.Length);
        foreach (var i in ordinals)
        {
            if (values.IsValid((int)i)) builder.Append(i);
            else builder.AppendNull();
        }
        return builder.Build();
    }
}
