using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>Where the values of one spine row come from.</summary>
/// <param name="Row">The spine row's columns as text.</param>
/// <param name="Views">Each joined view.</param>
/// <param name="Derived">Derived features: definition and value.</param>
public sealed record Explanation(IReadOnlyList<ExplainedValue> Row, IReadOnlyList<ExplainedView> Views, IReadOnlyList<ExplainedValue> Derived)
{
    /// <summary>The same with, of each view and fate, at most so many rows: those nearest to as_of.</summary>
    public Explanation Nearest(int rows) => this with { Views = [.. Views.Select(v => v.Nearest(rows))] };
}

/// <summary>A column and its value as text; null is null.</summary>
public sealed record ExplainedValue(string Name, string? Value, string? Definition = null);

/// <summary>A view for one spine row.</summary>
/// <param name="Title">Source and key.</param>
/// <param name="Features">Its features: value, definition, and how many rows made it.</param>
/// <param name="Counts">How many rows of the key there are of each fate, shown or not.</param>
/// <param name="Counted">Rows that counted, latest first.</param>
/// <param name="NotCounted">Rows that did not, by fate, of each the nearest to as_of first.</param>
public sealed record ExplainedView(
    string Title, IReadOnlyList<ExplainedFeature> Features, IReadOnlyDictionary<RowFate, int> Counts, IReadOnlyList<ExplainedEvent> Counted, IReadOnlyList<ExplainedEvent> NotCounted)
{
    internal ExplainedView Nearest(int rows) => this with
    {
        Features = [.. Features.Select(f => f with { Rows = [.. f.Rows.Where(r => r < rows)] })],
        Counted = [.. Counted.Take(rows)],
        NotCounted = [.. NotCounted.GroupBy(e => e.Fate).SelectMany(g => g.Take(rows))],
    };
}

/// <summary>A feature for one spine row.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value as text; null is null.</param>
/// <param name="Definition">How it is defined.</param>
/// <param name="Reach">The instants from which it takes rows, as an interval; null: a latest value without ttl, which takes any.</param>
/// <param name="RowCount">How many rows made it.</param>
/// <param name="Rows">Positions in <see cref="ExplainedView.Counted"/> of the rows that made it, as far as they are there.</param>
public sealed record ExplainedFeature(string Name, string? Value, string Definition, string? Reach, int RowCount, IReadOnlyList<int> Rows);

/// <summary>A source row.</summary>
/// <param name="Where">File and row.</param>
/// <param name="EventTime">When it happened; null: nobody knows, it never counts.</param>
/// <param name="EffectiveAt">From when on it counts, the later of when it happened and when it became known; null: never known.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="Values">The values that features take from it.</param>
public sealed record ExplainedEvent(string Where, DateTimeOffset? EventTime, DateTimeOffset? EffectiveAt, RowFate Fate, IReadOnlyList<ExplainedValue> Values)
{
    /// <summary>Whether it is a version that deletes its fact.</summary>
    public bool Deletes { get; init; }

    /// <summary>When it holds; null: its source declares no validity.</summary>
    public ExplainedValidity? Validity { get; init; }

    /// <summary>Features that it has no part in though it could be seen, and why. Empty for a row that could not be seen: its fate holds for all of them.</summary>
    public IReadOnlyList<ExplainedAbsence> NotIn { get; init; } = [];

    /// <summary>
    /// The row that its fate is about. Superseded, deleted: the version that counts instead, or deletes the fact. Not the latest: the row that hides it. Late, not happened: the older version of its
    /// fact that is in force until then. Counted: the version that replaces it, known only after as_of.
    /// </summary>
    public ExplainedOther? Other { get; init; }
}

/// <summary>When a row holds.</summary>
/// <param name="From">Since when; null: never.</param>
/// <param name="To">Until when, exclusive; null: open.</param>
/// <param name="ClosedKnownAt">When that end became known; null: open, or never known.</param>
/// <param name="ClosedLater">Whether it was over at as_of, but that was not known yet: the row still held.</param>
public sealed record ExplainedValidity(DateTimeOffset? From, DateTimeOffset? To, DateTimeOffset? ClosedKnownAt, bool ClosedLater);

/// <summary>Why a row that could be seen has no part in a feature.</summary>
public sealed record ExplainedAbsence(string Feature, RowFate Fate);

/// <summary>A row that another one's fate is about.</summary>
/// <param name="Where">File and row.</param>
/// <param name="EventTime">When it happened.</param>
/// <param name="EffectiveAt">From when on it counts.</param>
/// <param name="Deletes">Whether it deletes its fact.</param>
/// <param name="Values">The values that features take from it.</param>
/// <param name="Key">Its key as text, where it is another one than the row's: a version may move a fact.</param>
public sealed record ExplainedOther(string Where, DateTimeOffset? EventTime, DateTimeOffset? EffectiveAt, bool Deletes, IReadOnlyList<ExplainedValue> Values, string? Key);
