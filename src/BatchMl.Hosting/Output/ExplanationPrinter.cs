using System.Globalization;
using BatchMl.Engine;

namespace BatchMl.Hosting.Output;

/// <summary>An explanation as text.</summary>
static class ExplanationPrinter
{
    public static void Print(TextWriter output, Explanation explanation, int rows)
    {
        output.WriteLine(string.Join(", ", explanation.Row.Select(v => $"{v.Name}={v.Value ?? "null"}")));
        foreach (var view in explanation.Views) PrintView(output, view, rows);
        if (explanation.Derived.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("derived");
            foreach (var value in explanation.Derived) output.WriteLine($"  {value.Name} = {value.Value ?? "null"}    {value.Definition}");
        }
        output.WriteLine();
    }

    static void PrintView(TextWriter output, ExplainedView view, int rows)
    {
        output.WriteLine();
        output.WriteLine(view.Title);
        foreach (var feature in view.Features)
        {
            output.WriteLine($"  {feature.Name} = {feature.Value ?? "null"}    {feature.Definition}; made of {feature.Rows.Count} row{(feature.Rows.Count == 1 ? "" : "s")}");
        }
        PrintEvents(output, "counted", view.Counted.Reverse().ToArray(), rows);
        foreach (var fate in view.NotCounted.GroupBy(e => e.Fate)) PrintEvents(output, $"did not count, {Reason(fate.Key)}", [.. fate], rows);
    }

    static void PrintEvents(TextWriter output, string title, IReadOnlyList<ExplainedEvent> events, int rows)
    {
        if (events.Count == 0) return;
        output.WriteLine($"  {title}: {events.Count}{(events.Count > rows ? $", the {rows} nearest" : "")}");
        foreach (var e in events.Take(rows))
        {
            output.WriteLine($"    happened {Time(e.EventTime)}, known {Time(e.EffectiveAt)}, {string.Join(", ", e.Values.Select(v => $"{v.Name}={v.Value ?? "null"}"))}  ({Path.GetFileName(e.Where)})");
        }
    }

    static string Time(DateTimeOffset? time) => time is { } t ? t.ToString("yyyy-MM-dd HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture) : "never";

    static string Reason(Kernel.RowFate fate) => fate switch
    {
        Kernel.RowFate.Late => "known only after as_of (late)",
        Kernel.RowFate.TooOld => "too old",
        Kernel.RowFate.NotLatest => "not the latest",
        Kernel.RowFate.Superseded => "superseded by a later version of the fact",
        Kernel.RowFate.Deleted => "its fact was deleted",
        Kernel.RowFate.Closed => "its validity had ended (closed)",
        _ => fate.ToString(),
    };
}
