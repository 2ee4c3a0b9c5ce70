namespace BatchMl.Spark.Connect;

/// <summary>A relation whose rows are grouped: <see cref="SparkRelation.GroupBy"/>.</summary>
public sealed class SparkGroups
{
    readonly SparkRelation input;
    readonly IReadOnlyList<string> keys;

    internal SparkGroups(SparkRelation input, IReadOnlyList<string> keys) => (this.input, this.keys) = (input, keys);

    /// <summary>One row a group: the keys, then the aggregates.</summary>
    /// <param name="aggregates">Spark SQL, e.g. <c>sum(x) AS total</c>.</param>
    public SparkRelation Agg(params string[] aggregates) => new(version =>
    {
        var aggregate = new Proto.Aggregate { Input = input.ToProto(version), GroupType = Proto.Aggregate.Types.GroupType.Groupby };
        aggregate.GroupingExpressions.AddRange(keys.Select(SparkRelation.Text));
        aggregate.AggregateExpressions.AddRange(aggregates.Select(SparkRelation.Text));
        return new() { Aggregate = aggregate };
    });
}
