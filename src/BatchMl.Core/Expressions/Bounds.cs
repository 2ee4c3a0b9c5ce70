using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// Interval arithmetic: what an expression can be, given what its columns can be. Used to leave out row groups whose statistics show that
/// they can not matter. Rows that fail have no value and are not covered.
/// </summary>
/// <param name="Min">Lower bound in the normalised representation; null is unbounded.</param>
/// <param name="Max">Upper bound; null is unbounded, which it is wherever NaN, the greatest Double, is possible.</param>
/// <param name="MayBeNull">Whether null is possible.</param>
/// <param name="Empty">No non-null value is possible (the bounds mean nothing then).</param>
public readonly record struct Bounds(object? Min, object? Max, bool MayBeNull, bool Empty = false)
{
    /// <summary>Anything.</summary>
    public static readonly Bounds Any = new(null, null, true);

    /// <summary>
    /// Bounds of an expression; never narrower than the truth. What it does not know it answers with <see cref="Any"/>. Statistics of a Double column
    /// are taken to leave NaN out, as Parquet's do.
    /// </summary>
    public static Bounds Of(Expr expr, IReadOnlyDictionary<string, ColumnStatistics> statistics)
    {
        var interval = Interval.Of(expr, statistics);
        return new Bounds(interval.Min, interval.MayBeNaN ? null : interval.Max, interval.MayBeNull, interval.Empty);
    }
}
