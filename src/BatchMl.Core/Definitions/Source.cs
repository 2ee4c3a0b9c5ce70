using System.Linq.Expressions;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl;

/// <summary>A column that a record type declares.</summary>
/// <param name="Name">Column name: the property in snake_case, or its <c>[Column]</c> attribute's.</param>
/// <param name="Type">The widened type.</param>
/// <param name="Nullable">Whether the property may be null.</param>
public sealed record SourceColumn(string Name, ColumnType Type, bool Nullable);

/// <summary>
/// A table as definitions see it: a name, columns, and which instants and orders its rows have. Where it is, configuration says.
/// Immutable: each fluent call returns a new one. Two sources may be bound to one name (a table whose columns become known at different
/// times) as long as they declare the same record type; otherwise it is an error.
/// </summary>
public abstract record Source
{
    internal Source(string name, Type recordType) : this(name, recordType, RecordColumns.Of(recordType)) { }

    internal Source(string name, Type recordType, IReadOnlyList<SourceColumn> columns) => (Name, RecordType, Columns) = (name, recordType, columns);

    /// <summary>A source described by a record type; <paramref name="name"/> is what configuration binds to a place.</summary>
    public static Source<T> Bind<T>(string name) => new(name);

    /// <summary>The name that configuration binds (<c>Sources:NAME</c>).</summary>
    public string Name { get; }

    /// <summary>The record type that describes its columns.</summary>
    public Type RecordType { get; }

    /// <summary>Columns of the record type.</summary>
    public IReadOnlyList<SourceColumn> Columns { get; }

    /// <summary>When the fact of a row happened; null for a look-up, or for rows with validity only.</summary>
    public Expr? EventTimeExpr { get; init; }

    /// <summary>When it became known (null value: never); null: at its event time.</summary>
    public Expr? AvailableAtExpr { get; init; }

    /// <summary>Ends value order, after event time and available at.</summary>
    public EquatableList<Expr> TieBreakExprs { get; init; } = [];

    /// <summary>Columns that say which fact a row is a version of; null: every row is a fact of its own.</summary>
    public EquatableList<Expr>? FactExprs { get; init; }

    /// <summary>True on a version that deletes its fact.</summary>
    public Expr? DeletedExpr { get; init; }

    /// <summary>Validity <c>[from, to)</c> and when its closing became known.</summary>
    public Validity? Validity { get; init; }

    /// <summary>Rows without time: why the leak law does not apply; shown by <c>plan</c>. Null: the source has time.</summary>
    public string? LookupReason { get; init; }

    /// <summary>Only rows for which this is true are rows of the source; null: all.</summary>
    public Expr? WhereExpr { get; init; }

    /// <summary>True: the opt-out, event time alone decides what is known (<c>AsOfEventTime()</c>). Shown by <c>plan</c>.</summary>
    public bool IgnoresAvailability { get; init; }

    /// <summary>True: two rows equal in value order with different values are a warning, not an error.</summary>
    public bool TiesAllowed { get; init; }

    /// <summary>True: a version that deletes a fact of which no earlier version is there changes nothing; false: it is an error.</summary>
    public bool UnknownDeletesAllowed { get; init; }

    /// <summary>Whether the first version of a fact, by available at, must not be one that deletes it.</summary>
    internal bool RefusesUnknownDeletes => DeletedExpr is not null && !UnknownDeletesAllowed;
}

/// <summary>Validity of slowly changing rows.</summary>
/// <param name="From">Begins, inclusive.</param>
/// <param name="To">Ends, exclusive; null value: open.</param>
/// <param name="ClosedKnownAt">When the end was written; null: known from the start.</param>
public sealed record Validity(Expr From, Expr To, Expr? ClosedKnownAt);

/// <summary>A source whose rows are described by <typeparamref name="T"/>.</summary>
/// <typeparam name="T">A record; property <c>DepDelay</c> is column <c>dep_delay</c>; nullable property types allow nulls.</typeparam>
public sealed record Source<T> : Source
{
    internal Source(string name) : base(name, typeof(T)) { }

    /// <summary>When the fact of a row happened.</summary>
    public Source<T> EventTime(Expression<Func<T, DateTimeOffset?>> time) => this with { EventTimeExpr = LambdaTranslator.Translate(time) };

    /// <summary>When a row became known; null: never.</summary>
    public Source<T> AvailableAt(Expression<Func<T, DateTimeOffset?>> time) => this with { AvailableAtExpr = LambdaTranslator.Translate(time) };

    /// <summary>What ends value order: <c>f => f.Flight</c> or <c>f => new { f.Carrier, f.Flight }</c>. A declared order may have several columns, compared in turn.</summary>
    public Source<T> TieBreak(Expression<Func<T, object?>> columns) =>
        this with { TieBreakExprs = [.. LambdaTranslator.TranslateColumns(columns).Select(c => c.Expr)] };

    /// <summary>
    /// Rows with equal columns are versions of one fact, in the order of available at; of those that are known the last one counts. A version may delete its fact, and a later one bring it back. A deletion without an earlier version is an
    /// error that names the row, unless <see cref="AllowUnknownDeletes"/> is declared: either the data is wrong, or the source does not hold all of the history.
    /// </summary>
    public Source<T> Fact(Expression<Func<T, object?>> columns, Expression<Func<T, bool?>>? deleted = null) => this with
    {
        FactExprs = [.. LambdaTranslator.TranslateColumns(columns).Select(c => c.Expr)],
        DeletedExpr = deleted is null ? null : LambdaTranslator.Translate(deleted),
    };

    /// <summary>Rows hold in <c>[from, to)</c>. The event time is <paramref name="from"/> unless declared otherwise.</summary>
    public Source<T> Valid(
        Expression<Func<T, DateTimeOffset?>> from, Expression<Func<T, DateTimeOffset?>> to, Expression<Func<T, DateTimeOffset?>>? closedKnownAt = null)
    {
        var start = LambdaTranslator.Translate(from);
        return this with
        {
            Validity = new Validity(start, LambdaTranslator.Translate(to), closedKnownAt is null ? null : LambdaTranslator.Translate(closedKnownAt)),
            EventTimeExpr = EventTimeExpr ?? start,
        };
    }

    /// <summary>Keeps only the rows for which the condition is true.</summary>
    public Source<T> Where(Expression<Func<T, bool?>> condition) => this with { WhereExpr = LambdaTranslator.Translate(condition) };

    /// <summary>Declares rows without time: one row per key, exempt from the leak law for the reason given.</summary>
    /// <param name="reason">Why the values can not leak the future, e.g. "seats do not change".</param>
    public Source<T> Lookup(string reason) => this with { LookupReason = reason };

    /// <summary>Opts out of availability: every row counts as known at its event time. Leaks whenever rows arrive late; <c>plan</c> says so.</summary>
    public Source<T> AsOfEventTime() => this with { IgnoresAvailability = true };

    /// <summary>Rows equal in value order with different values are a warning, not an error; the one that the source gives last counts.</summary>
    public Source<T> AllowTies() => this with { TiesAllowed = true };

    /// <summary>
    /// A deletion of a fact of which no earlier version is there changes nothing, instead of being an error: for sources that hold only a part of the history, such as a feed of changes that began midway, and for those whose
    /// <see cref="Where"/> leaves earlier versions out.
    /// </summary>
    public Source<T> AllowUnknownDeletes() => this with { UnknownDeletesAllowed = true };
}
