using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>A column of a spine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Expr">Over the source's columns (for population x calendar also <c>as_of</c>).</param>
public sealed record SpineColumn(string Name, Expr Expr);

/// <summary>
/// The rows to enrich: columns, an <c>as_of</c> instant and a partition value. Rows come in the source's order (population x calendar: by
/// calendar instant, then source order).
/// </summary>
public abstract record Spine
{
    internal Spine(Source source) => Source = source;

    /// <summary>Where the rows, or the population, come from.</summary>
    public Source Source { get; }

    /// <summary>The columns, keys among them.</summary>
    public EquatableList<SpineColumn> Columns { get; init; } = [];

    /// <summary>Columns that name a row for a person (<c>explain --key</c>) and in dead letters.</summary>
    public EquatableList<string> KeyColumns { get; init; } = [];

    /// <summary>As of when the row is asked for; null for population x calendar.</summary>
    public Expr? AsOfExpr { get; init; }

    /// <summary>Only rows for which this is true are rows of the spine.</summary>
    public Expr? WhereExpr { get; init; }

    /// <summary>The instants at which the population is asked; null for spines from rows.</summary>
    public Calendar? Calendar { get; init; }

    /// <summary>The partition column's name.</summary>
    public string PartitionName { get; init; } = "as_of_date";

    /// <summary>The partition value, Date or String, over the source's columns and <c>as_of</c>; null: the UTC date of <c>as_of</c>.</summary>
    public Expr? PartitionExpr { get; init; }

    /// <summary>Every row of a source.</summary>
    public static Spine<T> From<T>(Source<T> source) => new(source);

    /// <summary>
    /// Every row of a source that holds at each instant of a calendar: for a source with validity the rows valid (and known) then, otherwise the latest row
    /// of each fact (or each row) with <c>effective_at</c> at or before it.
    /// </summary>
    public static Spine<T> Population<T>(Source<T> source, Calendar at, Expression<Func<T, bool?>>? where = null) =>
        new(source) { Calendar = at, WhereExpr = where is null ? null : LambdaTranslator.Translate(where) };
}

/// <summary>A spine from a source described by <typeparamref name="T"/>.</summary>
public sealed record Spine<T> : Spine
{
    internal Spine(Source source) : base(source) { }

    /// <summary>As of when each row is asked for.</summary>
    public Spine<T> AsOf(Expression<Func<T, DateTimeOffset?>> time) => this with { AsOfExpr = LambdaTranslator.Translate(time) };

    /// <summary>Columns that name the row: <c>f => new { f.Carrier, f.Flight }</c>.</summary>
    public Spine<T> Key(Expression<Func<T, object?>> columns)
    {
        var added = LambdaTranslator.TranslateColumns(columns);
        return With(added) with { KeyColumns = [.. KeyColumns, .. added.Select(c => c.Name)] };
    }

    /// <summary>More columns: <c>f => new { f.Origin, f.Dest }</c>.</summary>
    /// <exception cref="DefinitionException">A column of this name is there already.</exception>
    public Spine<T> Select(Expression<Func<T, object?>> columns) => With(LambdaTranslator.TranslateColumns(columns));

    /// <summary>Keeps only the rows for which the condition is true.</summary>
    public Spine<T> Where(Expression<Func<T, bool?>> condition) => this with { WhereExpr = LambdaTranslator.Translate(condition) };

    /// <summary>The partition column: a local date as a rule.</summary>
    public Spine<T> PartitionBy<TValue>(string name, Expression<Func<T, TValue>> value) =>
        this with { PartitionName = name, PartitionExpr = LambdaTranslator.Translate(value) };

    Spine<T> With(IReadOnlyList<(string Name, Expr Expr)> added)
    {
        var checks = new DefinitionChecks($"spine from '{Source.Name}'");
        foreach (var (name, _) in added)
            if (Columns.Any(c => c.Name == name)) checks.Add($"there are two columns '{name}'; give one another name, or select it once");
        checks.Throw();
        return this with { Columns = [.. Columns, .. added.Select(c => new SpineColumn(c.Name, c.Expr))] };
    }
}

/// <summary>What is to be predicted, and when it is known.</summary>
/// <param name="Name">Column name.</param>
public abstract record Label(string Name)
{
    /// <summary>A column of the spine's source; null value: the row has no label.</summary>
    /// <param name="name">Column name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="knownAt">When it can be known; null: never. A label known after "now" is not mature and stays out.</param>
    public static ColumnLabel Of<T, TValue>(string name, Expression<Func<T, TValue>> value, Expression<Func<T, DateTimeOffset?>> knownAt) =>
        new(name, LambdaTranslator.Translate(value), LambdaTranslator.Translate(knownAt));

    /// <summary>
    /// An aggregate over the facts with event time in <c>(as_of, as_of + days]</c> and known by <c>as_of + days + lateness</c>; mature when that
    /// instant is not after "now".
    /// </summary>
    /// <param name="name">Column name.</param>
    /// <param name="source">Where the facts are.</param>
    /// <param name="key">Their key; joined on spine columns of the same names.</param>
    /// <param name="days">Horizon in days of 24 hours.</param>
    /// <param name="value">E.g. <c>w => w.Count() == 0</c>.</param>
    /// <param name="latenessDays">How long facts may take to become known.</param>
    /// <exception cref="DefinitionException">All that is wrong with it: horizon, lateness, name, key, lambda.</exception>
    public static FutureLabel Future<T, TValue>(
        string name, Source<T> source, Expression<Func<T, object?>> key, double days, Expression<Func<Window<T>, TValue>> value, double latenessDays = 0)
    {
        var checks = new DefinitionChecks($"label '{name}'");
        checks.Name(name);
        var horizon = checks.Span("horizon", 0, days, mayBeZero: false);
        var lateness = checks.Span("latenessDays", 0, latenessDays, mayBeZero: true);
        var keys = checks.Try(() => LambdaTranslator.TranslateColumns(key));
        var translated = checks.Try(() => LambdaTranslator.TranslateWindow(value));
        checks.Throw();
        return new FutureLabel(
            name, source, [.. keys!.Select(k => new KeyColumn(k.Name, k.Expr))], horizon, lateness, [.. translated.Aggregates], translated.Result);
    }
}

/// <inheritdoc cref="Label.Of"/>
public sealed record ColumnLabel(string Name, Expr Value, Expr KnownAt) : Label(Name);

/// <inheritdoc cref="Label.Future"/>
/// <param name="Name">Column name.</param>
/// <param name="Source">Where the facts are.</param>
/// <param name="Keys">Their key.</param>
/// <param name="Horizon">Microseconds.</param>
/// <param name="Lateness">Microseconds.</param>
/// <param name="Aggregates">Aggregates of the window.</param>
/// <param name="Result">Over <c>$0</c>, <c>$1</c>, ….</param>
public sealed record FutureLabel(
    string Name, Source Source, EquatableList<KeyColumn> Keys, long Horizon, long Lateness, EquatableList<Aggregate> Aggregates, Expr Result) : Label(Name);
