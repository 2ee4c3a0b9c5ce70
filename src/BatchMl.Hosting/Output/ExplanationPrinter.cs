using System.Globalization;
using BatchMl.Engine;
using BatchMl.Kernel;

namespace BatchMl.Hosting.Output;

/// <summary>An explanation as text.</summary>
static class ExplanationPrinter
{
    public static void Print(TextWriter output, Explanation explanation)
    {
        output.WriteLine(Values(explanation.Row));
        foreach (var view in explanation.Views) PrintView(output, view);
        if (explanation.Derived.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("derived");
            foreach (var value in explanation.Derived) output.WriteLine($"  {value.Name} = {value.Value ?? "null"}    {value.Definition}");
        }
        output.WriteLine();
    }

    static void PrintView(TextWriter output, ExplainedView view)
    {
        output.WriteLine();
        output.WriteLine(view.Title);
        foreach (var feature in view.Features)
        {
            output.WriteLine($"  {feature.Name} = {feature.Value ?? "null"}    {feature.Definition}{(feature.Reach is { } reach ? $", from {reach}" : "")}; made of {feature.RowCount} row{(feature.RowCount == 1 ? "" : "s")}");
        }
        foreach (var fate in view.Counted.Concat(view.NotCounted).GroupBy(e => e.Fate)) PrintEvents(output, fate.Key, [.. fate], view.Counts[fate.Key]);
        // With no rows to show at all, how many there are is still said.
        foreach (var (fate, count) in view.Counts.Where(c => view.Counted.Concat(view.NotCounted).All(e => e.Fate != c.Key))) PrintEvents(output, fate, [], count);
    }

    static void PrintEvents(TextWriter output, RowFate fate, IReadOnlyList<ExplainedEvent> events, int count)
    {
        output.WriteLine($"  {Title(fate)}: {count}{(events.Count > 0 && events.Count < count ? $", the {events.Count} nearest" : "")}");
        foreach (var e in events)
        {
            output.WriteLine($"    {Times(e.EventTime, e.EffectiveAt)}{(e.Deletes ? ", deletes its fact" : "")}{(e.Values.Count > 0 ? $", {Values(e.Values)}" : "")}  ({Path.GetFileName(e.Where)})");
            foreach (var note in Notes(e)) output.WriteLine($"      {note}");
        }
    }

    static string Title(RowFate fate) => fate switch
    {
        RowFate.Counted => "counted",
        RowFate.Late => "did not count, late: happened by as_of, known only after it",
        RowFate.Superseded => "did not count, superseded: a later version of the fact was known",
        RowFate.Deleted => "did not count, deleted: a version that deletes the fact was known",
        RowFate.Closed => "did not count, closed: validity was over, and that was known",
        RowFate.NotBegun => "did not count, not begun: validity begins after as_of",
        RowFate.NeverKnown => "did not count, never known",
        RowFate.NotLatest => "did not count, not the latest: behind a newer row",
        RowFate.NoValue => "did not count, its value is null",
        RowFate.AfterWindow => "did not count, too new: after the end of the window",
        RowFate.TooOld => "did not count, too old: before anything that features reach back to",
        RowFate.NotHappened => "did not count, not happened yet at as_of",
        _ => throw new ArgumentOutOfRangeException(nameof(fate), fate, null),
    };

    static IEnumerable<string> Notes(ExplainedEvent e)
    {
        if (e.Other is { } other) yield return Relation(e.Fate, other);
        if (e.Validity is { } validity && Validity(e.Fate, validity) is { } holds) yield return holds;
        // The title says it for the features of the same fate.
        var others = e.NotIn.Where(n => n.Fate != e.Fate).GroupBy(n => n.Fate).Select(g => $"{string.Join(", ", g.Select(n => n.Feature))} ({Short(g.Key)})").ToArray();
        if (others.Length > 0) yield return $"not in {string.Join("; ", others)}";
    }

    static string Relation(RowFate fate, ExplainedOther other) => fate switch
    {
        RowFate.Counted when other.Deletes => $"deleted later by: {Version(other)}",
        RowFate.Counted => $"superseded later by: {Version(other)}",
        RowFate.Deleted or RowFate.Superseded => $"by: {Version(other)}",
        RowFate.NotLatest => $"behind: {Times(other.EventTime, other.EffectiveAt)}  ({Path.GetFileName(other.Where)})",
        _ => $"in force until then: {Version(other)}",
    };

    static string Version(ExplainedOther other) =>
        $"{Times(other.EventTime, other.EffectiveAt)}{(other.Deletes ? ", deletes the fact" : "")}{(other.Key is { } key ? $", of key {key}" : "")}{(other.Values.Count > 0 && !other.Deletes ? $", {Values(other.Values)}" : "")}  ({Path.GetFileName(other.Where)})";

    static string? Validity(RowFate fate, ExplainedValidity validity) => fate switch
    {
        RowFate.NotBegun => validity.From is { } from ? $"valid only from {Time(from)}" : "has no beginning, so it never holds",
        RowFate.Superseded or RowFate.Deleted or RowFate.Late or RowFate.NeverKnown or RowFate.NotHappened => null,
        _ when validity.To is not { } => $"valid from {Time(validity.From)}, open",
        _ => $"valid from {Time(validity.From)} to {Time(validity.To)}, closing known {Time(validity.ClosedKnownAt)}{(validity.ClosedLater ? ", after as_of: still open then" : "")}",
    };

    static string Short(RowFate fate) => fate switch
    {
        RowFate.NotLatest => "not the latest",
        RowFate.NoValue => "its value is null",
        RowFate.AfterWindow => "after its end",
        _ => "too old",
    };

    static string Values(IEnumerable<ExplainedValue> values) => string.Join(", ", values.Select(v => $"{v.Name}={v.Value ?? "null"}"));

    static string Times(DateTimeOffset? happened, DateTimeOffset? effective) =>
        happened is null && effective is null ? "without time"
        : $"happened {Time(happened)}, known {Time(effective)}{(effective - happened is { Ticks: > 0 } later ? $" ({Span(later)} later)" : "")}";

    // The two greatest units: whoever reads it wants to know whether it was minutes or weeks.
    static string Span(TimeSpan span)
    {
        (int Count, string Unit)[] units = [(span.Days, "d"), (span.Hours, "h"), (span.Minutes, "min"), (span.Seconds, "s")];
        var parts = units.SkipWhile(u => u.Count == 0).Take(2).Where(u => u.Count > 0).Select(u => $"{u.Count} {u.Unit}").ToArray();
        return parts.Length == 0 ? "less than 1 s" : string.Join(' ', parts);
    }

    static string Time(DateTimeOffset? time) => time is { } t ? t.ToString("yyyy-MM-dd HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture) : "never";
}
