using Apache.Arrow;
using BatchMl.Data;

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
    /// <summary>When the label is known, <c>label_known_at</c>.</summary>
    LabelKnownAt,
}

/// <summary>A column of a query.</summary>
public sealed record QueryColumn(string Name, ColumnType Type, ColumnRole Role);

/// <summary>
/// A validated question: these spine rows, with these features and this label. Knows its columns and types before any row moves.
/// </summary>
public sealed class FeatureQuery
{
    /// <summary>All columns, in output order: spine columns, as_of, partition, features, derived, label, label_known_at.</summary>
    public IReadOnlyList<QueryColumn> Columns => throw new NotImplementedException();
}
