using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>What a window computes of the facts in it.</summary>
public enum AggregateKind
{
    /// <summary>Number of facts; 0 of nothing.</summary>
    Count,
    /// <summary>Number of facts whose condition is true; 0 of nothing.</summary>
    CountWhere,
    /// <summary>Exact sum of the non-null values; null of none. Int64 stays Int64 (not fitting 64 bits is an error).</summary>
    Sum,
    /// <summary>Exact sum / count of the non-null values, Double.</summary>
    Mean,
    /// <summary>Sample standard deviation (n-1) from exact sums; null below two values.</summary>
    Std,
    /// <summary>Least non-null value (NaN is greatest).</summary>
    Min,
    /// <summary>Greatest non-null value (NaN is greatest).</summary>
    Max,
    /// <summary>True / non-null conditions; null where all are null.</summary>
    Share,
    /// <summary>Value (its null too) of the least fact in value order.</summary>
    First,
    /// <summary>Value (its null too) of the greatest fact in value order.</summary>
    Last,
    /// <summary>Number of distinct non-null values; 0 of nothing.</summary>
    DistinctCount,
    /// <summary>Quantile by linear interpolation of the non-null values, Double.</summary>
    Quantile,
}

/// <summary>One aggregate of a window.</summary>
/// <param name="Kind">What is computed.</param>
/// <param name="Value">Of what, over the source's columns; null for <see cref="AggregateKind.Count"/>.</param>
/// <param name="Parameter">The quantile, 0 to 1; else 0.</param>
public sealed record Aggregate(AggregateKind Kind, Expr? Value, double Parameter = 0)
{
    /// <summary>The result's type.</summary>
    public ColumnType Type => Kind switch
    {
        AggregateKind.Count or AggregateKind.CountWhere or AggregateKind.DistinctCount => ColumnType.Int64,
        AggregateKind.Mean or AggregateKind.Std or AggregateKind.Share or AggregateKind.Quantile => ColumnType.Double,
        _ => Value!.Type,
    };

    /// <inheritdoc/>
    public override string ToString() => Kind == AggregateKind.Quantile
        ? FormattableString.Invariant($"Quantile({Value}, {Parameter})") : $"{Kind}({Value})";
}

/// <summary>
/// The parameter of a window's lambda: its methods say which aggregate is meant and are translated, never called.
/// A value may be of any type that <see cref="ColumnType"/> knows.
/// </summary>
/// <typeparam name="T">The source's record type.</typeparam>
public abstract class Window<T>
{
    /// <inheritdoc cref="AggregateKind.Count"/>
    public abstract long Count();
    /// <inheritdoc cref="AggregateKind.CountWhere"/>
    public abstract long Count(Expression<Func<T, bool?>> where);
    /// <inheritdoc cref="AggregateKind.Sum"/>
    public abstract double? Sum(Expression<Func<T, double?>> value);
    /// <inheritdoc cref="AggregateKind.Sum"/>
    public abstract long? Sum(Expression<Func<T, long?>> value);
    /// <inheritdoc cref="AggregateKind.Mean"/>
    public abstract double? Mean(Expression<Func<T, double?>> value);
    /// <inheritdoc cref="AggregateKind.Std"/>
    public abstract double? Std(Expression<Func<T, double?>> value);
    /// <inheritdoc cref="AggregateKind.Min"/>
    public abstract TValue Min<TValue>(Expression<Func<T, TValue>> value);
    /// <inheritdoc cref="AggregateKind.Max"/>
    public abstract TValue Max<TValue>(Expression<Func<T, TValue>> value);
    /// <inheritdoc cref="AggregateKind.Share"/>
    public abstract double? Share(Expression<Func<T, bool?>> where);
    /// <inheritdoc cref="AggregateKind.First"/>
    public abstract TValue First<TValue>(Expression<Func<T, TValue>> value);
    /// <inheritdoc cref="AggregateKind.Last"/>
    public abstract TValue Last<TValue>(Expression<Func<T, TValue>> value);
    /// <inheritdoc cref="AggregateKind.DistinctCount"/>
    public abstract long DistinctCount<TValue>(Expression<Func<T, TValue>> value);
    /// <inheritdoc cref="AggregateKind.Quantile"/>
    public abstract double? Quantile(double q, Expression<Func<T, double?>> value);
}
