using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>Which ends of a window belong to it.</summary>
public enum WindowConvention
{
    /// <summary><c>(T-W, T]</c>, the default.</summary>
    OpenClosed,
    /// <summary><c>[T-W, T)</c>.</summary>
    ClosedOpen,
    /// <summary><c>[T-W, T]</c>.</summary>
    Closed,
}

/// <summary>On which time a window lies.</summary>
public enum WindowAxis
{
    /// <summary>What happened in the window, as far as it is known at T. The default.</summary>
    EventTime,
    /// <summary>What became known in the window.</summary>
    EffectiveAt,
}

/// <summary>A window before <c>as_of</c>. In microseconds; <c>T-W</c> saturates.</summary>
/// <param name="Length">W, positive.</param>
/// <param name="EndsBefore">The window ends this long before <c>as_of</c>; 0 by default. What counts as known is still decided at <c>as_of</c>.</param>
/// <param name="Convention">Which ends belong to it.</param>
/// <param name="Axis">On which time it lies.</param>
public sealed record WindowSpec(
    long Length, long EndsBefore = 0, WindowConvention Convention = WindowConvention.OpenClosed, WindowAxis Axis = WindowAxis.EventTime);

/// <summary>One feature of a view.</summary>
/// <param name="Name">Its column name.</param>
public abstract record Feature(string Name)
{
    /// <summary>The column's type.</summary>
    public abstract ColumnType Type { get; }
}

/// <summary>The value of the latest row.</summary>
/// <param name="Name">Column name.</param>
/// <param name="Value">Of what, over the source's columns.</param>
/// <param name="NonNull">True: the latest row whose value is not null; false: the latest row's value, null or not.</param>
public sealed record LatestFeature(string Name, Expr Value, bool NonNull) : Feature(Name)
{
    /// <inheritdoc/>
    public override ColumnType Type => Value.Type;
}

/// <summary>An expression over aggregates of one window.</summary>
/// <param name="Name">Column name.</param>
/// <param name="Window">The window.</param>
/// <param name="Aggregates">Its aggregates.</param>
/// <param name="Result">Over columns <c>$0</c>, <c>$1</c>, …: the aggregates.</param>
public sealed record WindowFeature(string Name, WindowSpec Window, EquatableList<Aggregate> Aggregates, Expr Result) : Feature(Name)
{
    /// <inheritdoc/>
    public override ColumnType Type => Result.Type;
}

/// <summary>The features of one entity from one source.</summary>
public abstract record FeatureView
{
    internal FeatureView(Source source, EquatableList<KeyColumn> keys) => (Source, Keys) = (source, keys);

    /// <summary>Where its rows come from.</summary>
    public Source Source { get; }

    /// <summary>The entity's key, over the source's columns.</summary>
    public EquatableList<KeyColumn> Keys { get; }

    /// <summary>Its features, in the order of declaration.</summary>
    public EquatableList<Feature> Features { get; init; } = [];

    /// <summary>How old the latest row's event time may be, microseconds; null: any age. Does not touch windows.</summary>
    public long? TtlMicroseconds { get; init; }

    /// <summary>A view of a source by key: <c>f => f.Origin</c> or <c>f => new { f.Carrier, f.Dest }</c>.</summary>
    public static FeatureView<T> Of<T>(Source<T> source, Expression<Func<T, object?>> key) =>
        new(source, [.. LambdaTranslator.TranslateColumns(key).Select(k => new KeyColumn(k.Name, k.Expr))]);

    /// <summary>Joins the view on the spine columns (or features) named, in the order of the key. Without this it joins on columns named like its key.</summary>
    /// <exception cref="DefinitionException">Not one column for each part of the key.</exception>
    public JoinedView On(params string[] columns) => columns.Length == Keys.Count ? new(this, [.. columns], "") : throw new DefinitionException(
        $"The view of '{Source.Name}' by ({string.Join(", ", Keys.Select(k => k.Name))}) is joined on ({string.Join(", ", columns)}); expected {Keys.Count} columns, one for each part of its key.");

    /// <summary>Joins the view with this in front of its features' names.</summary>
    public JoinedView Prefix(string prefix) => new(this, null, prefix);
}

/// <summary>A part of a key.</summary>
public sealed record KeyColumn(string Name, Expr Expr);

/// <summary>A view as one service joins it.</summary>
/// <param name="View">The view.</param>
/// <param name="Columns">Spine columns or features that hold the key; null: those named like the key.</param>
/// <param name="NamePrefix">In front of the features' names; may be empty.</param>
public sealed record JoinedView(FeatureView View, EquatableList<string>? Columns, string NamePrefix)
{
    /// <summary>The same, with this in front of the features' names.</summary>
    public JoinedView Prefix(string prefix) => this with { NamePrefix = prefix };

    /// <summary>A view joined the default way.</summary>
    public static implicit operator JoinedView(FeatureView view) => new(view, null, "");
}

/// <summary>A view of a source described by <typeparamref name="T"/>.</summary>
public sealed record FeatureView<T> : FeatureView
{
    internal FeatureView(Source source, EquatableList<KeyColumn> keys) : base(source, keys) { }

    /// <summary>The latest row's value; named like the column unless <paramref name="name"/> is given.</summary>
    public FeatureView<T> Latest<TValue>(Expression<Func<T, TValue>> value, string? name = null) => Add(NewLatest(value, name, nonNull: false));

    /// <summary>The latest value that is not null.</summary>
    public FeatureView<T> LatestNonNull<TValue>(Expression<Func<T, TValue>> value, string? name = null) => Add(NewLatest(value, name, nonNull: true));

    /// <summary>How old the latest row may be, both ends inclusive. Zero: only a row of the very instant.</summary>
    /// <exception cref="DefinitionException">A negative time, or one that 64 bits of microseconds can not hold.</exception>
    public FeatureView<T> Ttl(double hours = 0, double days = 0)
    {
        var checks = new DefinitionChecks("Ttl");
        var ttl = checks.Span("ttl", hours, days, mayBeZero: true);
        checks.Throw();
        return this with { TtlMicroseconds = ttl };
    }

    /// <summary>An aggregate, or an expression over aggregates, of the facts in a window before <c>as_of</c>.</summary>
    /// <param name="name">Column name.</param>
    /// <param name="value">E.g. <c>w => w.Mean(f => f.DepDelay)</c>.</param>
    /// <param name="hours">Length; added to <paramref name="days"/>.</param>
    /// <param name="days">Length in days of 24 hours.</param>
    /// <param name="endsHoursBefore">The window ends this many hours before <c>as_of</c>.</param>
    /// <param name="convention">Which ends belong to it.</param>
    /// <param name="axis">On which time it lies.</param>
    /// <exception cref="DefinitionException">All that is wrong with it: length, name, lambda.</exception>
    public FeatureView<T> Window<TValue>(
        string name, Expression<Func<Window<T>, TValue>> value, double hours = 0, double days = 0, double endsHoursBefore = 0,
        WindowConvention convention = WindowConvention.OpenClosed, WindowAxis axis = WindowAxis.EventTime)
    {
        var checks = new DefinitionChecks($"window '{name}'");
        CheckName(checks, name);
        var window = new WindowSpec(
            checks.Span("length", hours, days, mayBeZero: false), checks.Span("endsHoursBefore", endsHoursBefore, 0, mayBeZero: true), convention, axis);
        var translated = checks.Try(() => LambdaTranslator.TranslateWindow(value));
        checks.Throw();
        return Add(new WindowFeature(name, window, [.. translated.Aggregates], translated.Result));
    }

    FeatureView<T> Add(Feature feature) => this with { Features = [.. Features, feature] };

    LatestFeature NewLatest(LambdaExpression value, string? name, bool nonNull)
    {
        var (column, expr) = name is null ? LambdaTranslator.TranslateColumns(value)[0] : (name, LambdaTranslator.Translate(value));
        var checks = new DefinitionChecks($"latest '{column}'");
        CheckName(checks, column);
        checks.Throw();
        return new LatestFeature(column, expr, nonNull);
    }

    void CheckName(DefinitionChecks checks, string name)
    {
        checks.Name(name);
        if (Features.Any(f => f.Name == name)) checks.Add("the view has a feature of this name already; give one of them another name");
    }
}
