using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>What a column of a query is.</summary>
public enum ColumnRole
{
    /// <summary>A spine column.</summary>
    Spine,
    /// <summary>The <c>as_of</c> instant.</summary>
    AsOf,
    /// <summary>The partition column.</summary>
    Partition,
    /// <summary>A feature of a view.</summary>
    Feature,
    /// <summary>A derived feature.</summary>
    Derived,
    /// <summary>The label.</summary>
    Label,
    /// <summary>When the label can be known, <c>label_known_at</c>.</summary>
    LabelKnownAt,
}

/// <summary>A column of a query.</summary>
public sealed record QueryColumn(string Name, ColumnType Type, ColumnRole Role);

/// <summary>A view as a query joins it: its key columns found, its features named.</summary>
/// <param name="Join">The view and how it is joined.</param>
/// <param name="KeyColumns">Columns of the query (spine columns, or features of views before it) that hold the key, in the key's order.</param>
/// <param name="FeatureNames">Output names, in the order of the view's features.</param>
public sealed record ResolvedView(JoinedView Join, IReadOnlyList<string> KeyColumns, IReadOnlyList<string> FeatureNames)
{
    /// <summary>The view.</summary>
    public FeatureView View => Join.View;
}

/// <summary>
/// A validated question: these spine rows, with these features and this label. Knows its columns and types before any row moves.
/// </summary>
public sealed class FeatureQuery
{
    /// <summary>Name of the column that holds the instant as of which a row is asked for.</summary>
    public const string AsOf = "as_of";

    /// <summary>Name of the column that says when a label can be known.</summary>
    public const string LabelKnownAt = "label_known_at";

    FeatureQuery(Spine spine, FeatureService? service, Label? label) => (Spine, Service, Label) = (spine, service, label);

    /// <summary>The rows.</summary>
    public Spine Spine { get; }

    /// <summary>The features; null: none.</summary>
    public FeatureService? Service { get; }

    /// <summary>The label; null: none.</summary>
    public Label? Label { get; }

    /// <summary>The views of the service, in order.</summary>
    public IReadOnlyList<ResolvedView> Views { get; private set; } = [];

    /// <summary>Derived features with their columns bound to the query's types, in order.</summary>
    public IReadOnlyList<DerivedFeature> Derived { get; private set; } = [];

    /// <summary>All columns, in output order: spine columns, as_of, partition (unless a spine column), features, derived, label, label_known_at.</summary>
    public IReadOnlyList<QueryColumn> Columns { get; private set; } = [];

    /// <summary>What a model is given, in order: features of views, spine columns chosen as features, derived features; without the hidden ones.</summary>
    public IReadOnlyList<string> ModelFeatures { get; private set; } = [];

    /// <summary>The partition value's expression.</summary>
    public Expr PartitionExpr => Spine.PartitionExpr ?? new CallExpr(
        Function.DateIn, [Spine.AsOfExpr ?? new ColumnExpr(AsOf, ColumnType.Timestamp), new ConstantExpr("UTC", ColumnType.String)], ColumnType.Date);

    /// <summary>The zone that the partition's dates are local to; UTC when the partition is not a local date.</summary>
    public string PartitionZone => PartitionExpr is CallExpr { Function: Function.DateIn } call && call.Arguments[1] is ConstantExpr { Value: string zone } ? zone : "UTC";

    /// <summary>Digest of all that can change a result: two processes that have queries of one digest compute the same.</summary>
    public string Digest => QueryText.Digest(this);

    /// <summary>A column by name.</summary>
    public QueryColumn Column(string name) => Columns.First(c => c.Name == name);

    /// <summary>The Arrow schema of the query's batches; every column may be null but <c>as_of</c> is only null in rows with an error.</summary>
    public Schema Schema => new(Columns.Select(c => new Field(c.Name, Data.Columns.ArrowType(c.Type), nullable: true)), null);

    /// <summary>Checks and resolves a question.</summary>
    /// <exception cref="DefinitionException">Everything that is wrong, at once: missing key columns, keys of different types, name collisions (a prefix is proposed),
    /// unknown columns in derived features, a spine without as_of, a view whose source has no time and is not declared a look-up.</exception>
    public static FeatureQuery Create(Spine spine, FeatureService? service, Label? label)
    {
        var query = new FeatureQuery(spine, service, label);
        var builder = new FeatureQueryBuilder(query);
        builder.AddSpine();
        foreach (var join in service?.Views ?? []) builder.AddView(join);
        foreach (var derived in service?.Derived ?? []) builder.AddDerived(derived);
        builder.AddLabel();
        builder.ChooseFeatures();
        if (builder.Problems.Count > 0) throw new DefinitionException(builder.Problems);
        query.Views = builder.Views;
        query.Derived = builder.Derived;
        query.Columns = builder.Columns;
        query.ModelFeatures = builder.ModelFeatures;
        return query;
    }
}
