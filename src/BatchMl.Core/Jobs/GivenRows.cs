using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;

namespace BatchMl.Jobs;

/// <summary>A query's features asked for rows that somebody brings, in place of those of its spine.</summary>
static class GivenRows
{
    // No column of a file that is read by name; all rows are of one partition, so they stay in the file's order.
    const string Partition = "$rows";

    /// <summary>The spine columns that a query's features are made of, as_of aside: keys of views, inputs of derived features, spine columns that are features.</summary>
    public static IReadOnlyList<QueryColumn> Needed(FeatureQuery query)
    {
        var read = query.Views.SelectMany(v => v.KeyColumns).Concat(query.Derived.SelectMany(d => d.Expr.Columns())).Concat(query.Service?.SpineColumns ?? []).ToHashSet(StringComparer.Ordinal);
        return [.. query.Columns.Where(c => c.Role is ColumnRole.Spine or ColumnRole.Partition && read.Contains(c.Name))];
    }

    /// <summary>The same features for the rows of a table.</summary>
    /// <param name="query">Whose features.</param>
    /// <param name="table">The table's name.</param>
    /// <param name="asOf">Its column of instants.</param>
    public static FeatureQuery Ask(FeatureQuery query, string table, string asOf) =>
        Ask(Needed(query).Select(c => new SourceColumn(c.Name, c.Type, true)), query.Service, null, table, asOf);

    /// <summary>Features and label for the rows of a table that has these columns.</summary>
    public static FeatureQuery Ask(IEnumerable<SourceColumn> needed, FeatureService? service, Label? label, string table, string asOf)
    {
        var columns = needed.ToArray();
        // As_of may be a key as well.
        var all = columns.Any(c => c.Name == asOf) ? columns : [.. columns, new SourceColumn(asOf, ColumnType.Timestamp, true)];
        var spine = new GivenSpine(new GivenTable(table, all))
        {
            Columns = [.. columns.Select(c => new SpineColumn(c.Name, new ColumnExpr(c.Name, c.Type)))],
            AsOfExpr = new ColumnExpr(asOf, ColumnType.Timestamp),
            PartitionName = Partition,
            PartitionExpr = new ConstantExpr("", ColumnType.String),
        };
        return FeatureQuery.Create(spine, service, label);
    }

    /// <summary>A table whose columns nobody wrote a record for.</summary>
    sealed record GivenTable(string Table, IReadOnlyList<SourceColumn> Given) : Source(Table, typeof(GivenTable), Given);

    sealed record GivenSpine(Source Table) : Spine(Table);
}
