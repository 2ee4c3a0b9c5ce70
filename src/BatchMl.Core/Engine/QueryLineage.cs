using BatchMl.Data;
using BatchMl.Expressions;
using BatchMl.Lineage;

namespace BatchMl.Engine;

/// <summary>Column lineage read off a query's expression trees.</summary>
sealed class QueryLineage
{
    readonly FeatureQuery query;
    readonly IReadOnlyDictionary<string, DatasetName> names;
    readonly Dictionary<string, List<ColumnOrigin>> columns = new(StringComparer.Ordinal);
    readonly List<ColumnOrigin> everywhere = [];

    /// <param name="query">The query.</param>
    /// <param name="names">Dataset names by source name.</param>
    public QueryLineage(FeatureQuery query, IReadOnlyDictionary<string, DatasetName> names)
    {
        (this.query, this.names) = (query, names);
        AddSpine();
        foreach (var view in query.Views) AddView(view);
        foreach (var derived in query.Derived) columns[derived.Name] = Through(derived.Expr);
        AddLabel();
    }

    /// <summary>Origins of each column of the query.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<ColumnOrigin>> Columns => columns.ToDictionary(c => c.Key, c => (IReadOnlyList<ColumnOrigin>)c.Value, StringComparer.Ordinal);

    /// <summary>Columns that decide which rows there are.</summary>
    public IReadOnlyList<ColumnOrigin> DatasetOrigins => [.. everywhere.Distinct()];

    /// <summary>The inputs, by source name, with the fields their record types declare.</summary>
    public static IReadOnlyList<LineageDataset> Inputs(IPinnedQuery pinned) =>
        [.. pinned.Sources.DistinctBy(s => s.Source.Name).Select(s => new LineageDataset(
            NameOf(s.Snapshot), [.. s.Snapshot.Schema.FieldsList.Select(f => new LineageField(f.Name, LineageTypes.Text(f.DataType)))]))];

    /// <summary>Names by source name.</summary>
    public static IReadOnlyDictionary<string, DatasetName> NamesOf(IPinnedQuery pinned) =>
        pinned.Sources.DistinctBy(s => s.Source.Name).ToDictionary(s => s.Source.Name, s => NameOf(s.Snapshot), StringComparer.Ordinal);

    // A single file is named by its path, several by the folder that they share (the naming rule for globs).
    static DatasetName NameOf(ISourceSnapshot snapshot)
    {
        if (snapshot.Dataset is { } named) return named;
        if (snapshot.Files.Count == 0) return new DatasetName("inmemory", "empty");
        if (snapshot.Files.Count == 1) return new DatasetName("file", snapshot.Files[0].Path);
        var folder = Path.GetDirectoryName(snapshot.Files[0].Path);
        while (folder is not null && snapshot.Files.Any(f => !f.Path.StartsWith(Path.Join(folder, "/"), StringComparison.Ordinal))) folder = Path.GetDirectoryName(folder);
        return new DatasetName("file", folder ?? "/");
    }

    void AddSpine()
    {
        var spine = query.Spine;
        foreach (var column in spine.Columns) columns[column.Name] = Direct(spine.Source, column.Expr);
        // The instants of a calendar come from no column.
        columns[FeatureQuery.AsOf] = spine.AsOfExpr is { } asOf ? Direct(spine.Source, asOf) : [];
        if (!columns.ContainsKey(spine.PartitionName)) columns[spine.PartitionName] = Direct(spine.Source, query.PartitionExpr);
        if (spine.WhereExpr is { } where) everywhere.AddRange(Of(spine.Source, where, Transformation.Filter));
        if (spine.Source.WhereExpr is { } rows) everywhere.AddRange(Of(spine.Source, rows, Transformation.Filter));
    }

    void AddView(ResolvedView resolved)
    {
        var view = resolved.View;
        var source = view.Source;
        var join = view.Keys.SelectMany(k => Of(source, k.Expr, Transformation.Join)).ToList();
        join.AddRange(resolved.KeyColumns.Append(FeatureQuery.AsOf).SelectMany(k => Known(k)).Select(o => o with { Transformation = Transformation.Join }));
        foreach (var time in new[] { source.EventTimeExpr, source.AvailableAtExpr }.OfType<Expr>()) join.AddRange(Of(source, time, Transformation.Join));
        if (source.WhereExpr is { } where) join.AddRange(Of(source, where, Transformation.Filter));
        if (source.DeletedExpr is { } deleted) join.AddRange(Of(source, deleted, Transformation.Filter));
        var order = source.TieBreakExprs.SelectMany(t => Of(source, t, Transformation.Sort)).ToArray();
        foreach (var (feature, name) in view.Features.Zip(resolved.FeatureNames))
        {
            var origins = feature switch
            {
                LatestFeature latest => Direct(source, latest.Value).Concat(order),
                WindowFeature window => window.Aggregates.SelectMany(a => a.Value is null ? [] : Of(source, a.Value, Transformation.Aggregation))
                    .Concat(source.EventTimeExpr is { } t ? Of(source, t, Transformation.Window) : []),
                _ => [],
            };
            columns[name] = [.. origins.Concat(join).Distinct()];
        }
    }

    void AddLabel()
    {
        var spine = query.Spine.Source;
        if (query.Label is ColumnLabel column)
        {
            columns[column.Name] = [.. Direct(spine, column.Value).Concat(Of(spine, column.KnownAt, Transformation.Filter)).Distinct()];
            columns[FeatureQuery.LabelKnownAt] = Direct(spine, column.KnownAt);
        }
        else if (query.Label is FutureLabel future)
        {
            var values = future.Aggregates.SelectMany(a => a.Value is null ? [] : Of(future.Source, a.Value, Transformation.Aggregation));
            var keys = future.Keys.SelectMany(k => Of(future.Source, k.Expr, Transformation.Join));
            columns[future.Name] = [.. values.Concat(keys).Concat(Of(future.Source, future.Source.EventTimeExpr!, Transformation.Window)).Distinct()];
            columns[FeatureQuery.LabelKnownAt] = [.. Known(FeatureQuery.AsOf).Select(o => o with { Transformation = Transformation.Transformed })];
        }
    }

    // A derived feature's inputs are columns of the query: their origins, one step further.
    List<ColumnOrigin> Through(Expr expr) =>
        [.. expr.Columns().SelectMany(Known).Select(o => o.Transformation == Transformation.Identity && expr is not ColumnExpr ? o with { Transformation = Transformation.Transformed } : o).Distinct()];

    IEnumerable<ColumnOrigin> Known(string column) => columns.TryGetValue(column, out var origins) ? origins : [];

    List<ColumnOrigin> Direct(Source source, Expr expr) => [.. Of(source, expr, expr is ColumnExpr ? Transformation.Identity : Transformation.Transformed)];

    IEnumerable<ColumnOrigin> Of(Source source, Expr expr, Transformation transformation)
    {
        if (!names.TryGetValue(source.Name, out var dataset)) return [];
        var conditions = transformation is Transformation.Identity or Transformation.Transformed or Transformation.Aggregation ? ConditionColumns(expr) : [];
        return expr.Columns().Where(c => c != FeatureQuery.AsOf).Select(c => new ColumnOrigin(dataset, c, transformation))
            .Concat(conditions.Select(c => new ColumnOrigin(dataset, c, Transformation.Conditional)));
    }

    static IEnumerable<string> ConditionColumns(Expr expr) => expr switch
    {
        ConditionalExpr c => c.Test.Columns().Concat(ConditionColumns(c.Then)).Concat(ConditionColumns(c.Else)),
        UnaryExpr u => ConditionColumns(u.Operand),
        BinaryExpr b => ConditionColumns(b.Left).Concat(ConditionColumns(b.Right)),
        CoalesceExpr c => ConditionColumns(c.First).Concat(ConditionColumns(c.Second)),
        CallExpr c => c.Arguments.SelectMany(ConditionColumns),
        _ => [],
    };
}
