using BatchMl.Engine;
using BatchMl.Hosting.Output;

namespace BatchMl.Testing.Internals;

/// <summary>What a value was made of, as 'explain' says it.</summary>
static class Why
{
    const int Shown = 10;

    public static string Of(Question question, IReadOnlyDictionary<string, RowTable> tables, object?[] row, DateTimeOffset asOf, string column)
    {
        var text = new StringWriter();
        foreach (var explained in question.Explain(row, tables, asOf))
        {
            // A derived feature's own line, and all that it may be made of.
            var views = explained.Views.Where(v => v.Features.Any(f => f.Name == column)).ToArray();
            ExplanationPrinter.Print(text, (views.Length == 0 ? explained : explained with { Views = views, Derived = [] }).Nearest(Shown));
        }
        return text.ToString().TrimEnd();
    }
}
