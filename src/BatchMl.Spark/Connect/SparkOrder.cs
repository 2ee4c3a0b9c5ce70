namespace BatchMl.Spark.Connect;

/// <summary>One key of a sort. Nulls come first when ascending and last when descending, as in Spark, unless said otherwise. A text alone is an ascending key.</summary>
/// <param name="Expression">Spark SQL.</param>
/// <param name="Descending">Whether greater values come first.</param>
/// <param name="NullsFirst">Where nulls go; null: first when ascending, last when descending.</param>
public sealed record SparkOrder(string Expression, bool Descending = false, bool? NullsFirst = null)
{
    /// <summary>An ascending key.</summary>
    /// <param name="expression">Spark SQL.</param>
    public static implicit operator SparkOrder(string expression) => new(expression);

    internal Proto.Expression.Types.SortOrder ToProto() => new()
    {
        Child = SparkRelation.Text(Expression),
        Direction = Descending ? Proto.Expression.Types.SortOrder.Types.SortDirection.Descending : Proto.Expression.Types.SortOrder.Types.SortDirection.Ascending,
        NullOrdering = NullsFirst ?? !Descending ? Proto.Expression.Types.SortOrder.Types.NullOrdering.SortNullsFirst : Proto.Expression.Types.SortOrder.Types.NullOrdering.SortNullsLast,
    };
}
