namespace BatchMl.Lineage;

/// <summary>A dataset as OpenLineage names it.</summary>
/// <param name="Namespace">E.g. <c>file</c>.</param>
/// <param name="Name">E.g. an absolute path; for our own datasets the dataset's root folder, never a partition's.</param>
public sealed record DatasetName(string Namespace, string Name);

/// <summary>A column of a dataset.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its Arrow type as text, e.g. <c>timestamp[us, UTC]</c>.</param>
/// <param name="Description">One line; may be null.</param>
public sealed record LineageField(string Name, string Type, string? Description = null);

/// <summary>A dataset that a job reads or writes.</summary>
public sealed record LineageDataset(DatasetName Name, IReadOnlyList<LineageField> Fields);

/// <summary>How an input column reaches an output column.</summary>
public enum Transformation
{
    /// <summary>DIRECT: taken as it is.</summary>
    Identity,
    /// <summary>DIRECT: computed from.</summary>
    Transformed,
    /// <summary>DIRECT: aggregated.</summary>
    Aggregation,
    /// <summary>INDIRECT: decides which rows meet (keys, times of an as-of join).</summary>
    Join,
    /// <summary>INDIRECT: decides which rows count.</summary>
    Filter,
    /// <summary>INDIRECT: orders.</summary>
    Sort,
    /// <summary>INDIRECT: bounds a window.</summary>
    Window,
    /// <summary>INDIRECT: a condition of a conditional.</summary>
    Conditional,
    /// <summary>INDIRECT: groups.</summary>
    GroupBy,
}

/// <summary>An input column of an output column.</summary>
public sealed record ColumnOrigin(DatasetName Dataset, string Field, Transformation Transformation, string? Description = null);

/// <summary>What a job reads, writes, and where each output column comes from; read off the expression trees.</summary>
/// <param name="Inputs">Datasets read.</param>
/// <param name="Output">The dataset written.</param>
/// <param name="Columns">Origins by output column.</param>
/// <param name="DatasetOrigins">Input columns that touch every output column (filters, join keys).</param>
public sealed record JobLineage(
    IReadOnlyList<LineageDataset> Inputs, LineageDataset Output, IReadOnlyDictionary<string, IReadOnlyList<ColumnOrigin>> Columns, IReadOnlyList<ColumnOrigin> DatasetOrigins);

/// <summary>What a profile says of a column, for OpenLineage's dataQualityMetrics. Null members are unknown.</summary>
public sealed record ColumnQuality(string Column, long Count, long NullCount, double? Min, double? Max, double? Sum, long? DistinctCount, IReadOnlyDictionary<string, double>? Quantiles);
