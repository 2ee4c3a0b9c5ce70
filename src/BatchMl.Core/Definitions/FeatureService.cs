using System.Linq.Expressions;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>A feature computed from spine columns and features.</summary>
/// <param name="Name">Column name.</param>
/// <param name="Expr">Over spine columns, features, and derived features before it.</param>
public sealed record DerivedFeature(string Name, Expr Expr);

/// <summary>
/// What a model consumes: a named, versioned list of features. Views are joined in the order given; a key may be a feature of a
/// view before it.
/// </summary>
public sealed record FeatureService
{
    FeatureService(string name, int version) => (Name, Version) = (name, version);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its version: raised by hand when the meaning of a feature changes. A model says which one it was trained on.</summary>
    public int Version { get; }

    /// <summary>The joined views.</summary>
    public EquatableList<JoinedView> Views { get; init; } = [];

    /// <summary>Derived features, in order.</summary>
    public EquatableList<DerivedFeature> Derived { get; init; } = [];

    /// <summary>Spine columns that are features as they are.</summary>
    public EquatableList<string> SpineColumns { get; init; } = [];

    /// <summary>Features that are computed (as keys or inputs of derived features) but are not given to models.</summary>
    public EquatableList<string> Hidden { get; init; } = [];

    /// <summary>A service of views.</summary>
    public static FeatureService Of(string name, int version, params JoinedView[] views) => new(name, version) { Views = [.. views] };

    /// <summary>Adds a feature over spine and features alike, e.g. <c>row => row.Number("n30") / row.Number("prev30")</c>.</summary>
    public FeatureService Derive<TValue>(string name, Expression<Func<Row, TValue>> value) =>
        this with { Derived = [.. Derived, new DerivedFeature(name, LambdaTranslator.Translate(value))] };

    /// <summary>Takes spine columns as features.</summary>
    public FeatureService FromSpine(params string[] columns) => this with { SpineColumns = [.. SpineColumns, .. columns] };

    /// <summary>Keeps computed features from models.</summary>
    public FeatureService Hide(params string[] features) => this with { Hidden = [.. Hidden, .. features] };
}

/// <summary>The parameter of a derived feature's lambda: columns by name and type. Its methods are translated, never called. Names must be constants.</summary>
public abstract class Row
{
    /// <summary>A Double column, or an Int64 column widened.</summary>
    public abstract double? Number(string column);
    /// <summary>An Int64 column.</summary>
    public abstract long? Integer(string column);
    /// <summary>A String column.</summary>
    public abstract string? Text(string column);
    /// <summary>A Boolean column.</summary>
    public abstract bool? Flag(string column);
    /// <summary>A Timestamp column.</summary>
    public abstract DateTimeOffset? Time(string column);
    /// <summary>A Date column.</summary>
    public abstract DateOnly? Date(string column);
}
