using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>Which fragments of a table can matter to rows with <c>as_of</c> in a range: interval arithmetic over their statistics.</summary>
static class FragmentPruning
{
    /// <summary>How far before as_of a view looks, microseconds; null: without bound (latest values without ttl, versions of facts, validity).</summary>
    public static long? LookBack(FeatureView view)
    {
        var source = view.Source;
        // A version of a fact may move it out of the window, and a row that holds may have begun any time ago: both need all of the past.
        if (source.FactExprs is not null || source.Validity is not null || source.EventTimeExpr is null) return null;
        long longest = 0;
        foreach (var feature in view.Features)
        {
            if (feature is LatestFeature && view.TtlMicroseconds is null) return null;
            longest = Math.Max(longest, feature is WindowFeature w ? Add(w.Window.Length, w.Window.EndsBefore) : view.TtlMicroseconds!.Value);
        }
        return longest;
    }

    /// <summary>Fragments that hold rows that can be seen from <c>[minAsOf, maxAsOf]</c>, of those that take effect after <paramref name="knownBefore"/>.</summary>
    public static IReadOnlyList<int> Visible(BoundSource bound, long? lookBack, bool effectiveAxis, long minAsOf, long maxAsOf, long knownBefore = long.MinValue)
    {
        if (bound.Source.EventTimeExpr is not { } eventTime) return All(bound.Snapshot);
        var events = bound.BoundsOf(eventTime);
        var known = bound.Source is { IgnoresAvailability: false, AvailableAtExpr: { } expr } ? bound.BoundsOf(expr) : null;
        // Where deletions need an earlier version, available at alone says which one is: a version that happens later matters too.
        var order = bound.Source is { RefusesUnknownDeletes: true, AvailableAtExpr: { } version } ? bound.BoundsOf(version) : null;
        var low = lookBack is { } back ? Subtract(minAsOf, back) : long.MinValue;
        return Select(bound.Snapshot, fragment =>
        {
            var happened = events[fragment];
            if (happened.Empty) return false;
            if (Least(happened) > maxAsOf && (order is null || !MayComeBy(order[fragment], maxAsOf))) return false;
            var (greatest, latest) = (Greatest(happened), Greatest(happened));
            if (known is not null)
            {
                var available = known[fragment];
                if (available.Empty || Least(available) > maxAsOf) return false;
                latest = Math.Max(latest, Greatest(available));
            }
            return (effectiveAxis ? latest : greatest) >= low && (latest > knownBefore || knownBefore == long.MinValue);
        });
    }

    // Without available at a version comes before all others.
    static bool MayComeBy(Bounds available, long instant) => available.Empty || available.MayBeNull || Least(available) <= instant;

    /// <summary>Fragments whose partition value can be in <c>[from, to]</c> (null: open); dates only, others are not pruned.</summary>
    public static IReadOnlyList<int> OfPartitions(Expr partition, BoundSource bound, DateOnly? from, DateOnly? to)
    {
        if (partition.Type != ColumnType.Date) return All(bound.Snapshot);
        var values = bound.BoundsOf(partition);
        return Select(bound.Snapshot, fragment =>
        {
            var bounds = values[fragment];
            return !bounds.Empty && !(to is { } end && Least(bounds) > Days(end)) && !(from is { } start && Greatest(bounds) < Days(start));
        });
    }

    public static int Days(DateOnly date) => date.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    /// <summary>The date's first instant in UTC, microseconds.</summary>
    public static long Midnight(DateOnly date) => Days(date) * Clock.DayMicroseconds;

    public static DateOnly Date(int days) => DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(days);

    static IReadOnlyList<int> All(ISourceSnapshot snapshot) => [.. Enumerable.Range(0, snapshot.Fragments.Count)];

    static IReadOnlyList<int> Select(ISourceSnapshot snapshot, Func<int, bool> matters) => [.. Enumerable.Range(0, snapshot.Fragments.Count).Where(matters)];

    static long Least(Bounds bounds) => bounds.Min is null ? long.MinValue : Convert.ToInt64(bounds.Min);

    static long Greatest(Bounds bounds) => bounds.Max is null ? long.MaxValue : Convert.ToInt64(bounds.Max);

    /// <summary>a - b, saturated; b is not negative.</summary>
    public static long Subtract(long a, long b) => a < long.MinValue + b ? long.MinValue : a - b;

    /// <summary>a + b, saturated; b is not negative.</summary>
    public static long Add(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}
