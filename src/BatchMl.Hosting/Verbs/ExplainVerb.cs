using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchMl.Engine;
using BatchMl.Hosting.Output;

namespace BatchMl.Hosting.Verbs;

/// <summary>Explains the features of a spine row.</summary>
sealed class ExplainVerb : Verb
{
    readonly Argument<string> job;
    readonly Option<string[]> key;
    readonly Option<string> asOf;
    readonly Option<int> rows;
    readonly Option<string[]> set;
    readonly Option<string?> workspace;
    readonly Option<bool> json;

    public ExplainVerb(BatchMlApplication application)
        : base(application, "explain", "Show, for one spine row, each feature's value, the rows that made it, and the rows that did not count with the reason")
    {
        job = JobName();
        key = Add(new Option<string[]>("--key") { Description = "Value of a key column, e.g. tailnum=N14228; may be repeated", HelpName = "COLUMN=VALUE", Required = true });
        asOf = Add(new Option<string>("--as-of") { Description = "The row's as_of, ISO 8601, e.g. 2013-10-01T09:15:00Z", HelpName = "TIME", Required = true });
        rows = Add(new Option<int>("--rows") { Description = "Rows to show of each view and reason, nearest to as_of first", HelpName = "N", DefaultValueFactory = _ => 5 });
        set = Add(new Option<string[]>("--set") { Description = "A setting; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var query = QueryOf(Find(parsed.GetValue(job)!));
        var keys = parsed.GetValue(key)!.SelectMany(k => k.Split(',')).Select(k => k.Split('=', 2)).ToArray();
        if (keys.FirstOrDefault(k => k.Length != 2) is { } wrong) throw new DefinitionException($"--key is '{wrong[0]}'; expected column=value.");
        if (!DateTimeOffset.TryParse(parsed.GetValue(asOf), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant))
        {
            throw new DefinitionException($"--as-of is '{parsed.GetValue(asOf)}'; expected an instant in ISO 8601, e.g. 2013-10-01T09:15:00Z.");
        }
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), Settings(parsed, set)));
        var environment = session.Environment;
        using var pinned = await environment.Engine.OpenAsync(query, environment.Sources, new FeatureOptions(environment.Clock.GetUtcNow(), long.MaxValue, 1, 65_536), cancel);
        var explained = await pinned.ExplainAsync(keys.ToDictionary(k => k[0], k => k[1]), instant, cancel);
        var shown = explained.Select(e => e.Nearest(parsed.GetValue(rows))).ToArray();
        if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(shown, JsonText.Indented));
        else foreach (var each in shown) ExplanationPrinter.Print(Application.Out, each);
        return ExitCodes.Done;
    }
}
