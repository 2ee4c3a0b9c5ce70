using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>Where the values of one spine row come from.</summary>
/// <param name="Row">The spine row's columns as text.</param>
/// <param name="Views">Each joined view.</param>
/// <param name="Derived">Derived features: definition and value.</param>
public sealed record Explanation(IReadOnlyList<ExplainedValue> Row, IReadOnlyList<ExplainedView> Views, IReadOnlyList<ExplainedValue> Derived);

/// <summary>A column and its value as text; null is null.</summary>
public sealed record ExplainedValue(string Name, string? Value, string? Definition = null);

/// <summary>A view for one spine row.</summary>
/// <param name="Title">Source and key.</param>
/// <param name="Features">Its features: value, definition, and how many rows made it.</param>
/// <param name="Counted">Rows that counted, in value order, latest last.</param>
/// <param name="NotCounted">Rows that did not, nearest to as_of first.</param>
public sealed record ExplainedView(
    string Title, IReadOnlyList<ExplainedFeature> Features, IReadOnlyList<ExplainedEvent> Counted, IReadOnlyList<ExplainedEvent> NotCounted);

/// <summary>A feature for one spine row.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value as text; null is null.</param>
/// <param name="Definition">How it is defined.</param>
/// <param name="Rows">Positions in <see cref="ExplainedView.Counted"/> of the rows that made it.</param>
public sealed record ExplainedFeature(string Name, string? Value, string Definition, IReadOnlyList<int> Rows);

/// <summary>A source row.</summary>
/// <param name="Where">File and row.</param>
/// <param name="EventTime">When it happened.</param>
/// <param name="EffectiveAt">From when on it counts; null: never known.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="Values">The values that features take from it.</param>
public sealed record ExplainedEvent(string Where, DateTimeOffset? EventTime, DateTimeOffset? EffectiveAt, RowFate Fate, IReadOnlyList<ExplainedValue> Values);
