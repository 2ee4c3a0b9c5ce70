using System.CommandLine;
using BatchMl.Data;
using BatchMl.Hosting.Output;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Asks the workspace's datasets.</summary>
sealed class QueryVerb : Verb
{
    const int TableRows = 100;

    readonly Func<Workspace, string, IBatchSource> query;
    readonly Argument<string> sql;
    readonly Option<string?> workspace;
    readonly Option<int?> limit;
    readonly Option<bool> json, csv;

    public QueryVerb(BatchMlApplication application, Func<Workspace, string, IBatchSource> query)
        : base(application, "query", "Ask the workspace's published datasets in SQL; each is a table named as it is, e.g. SELECT count(*) FROM \"flight-delays/score\"")
    {
        this.query = query;
        sql = Add(new Argument<string>("SQL") { Description = "One SELECT in DuckDB's dialect; SHOW TABLES lists the datasets" });
        limit = Add(new Option<int?>("--limit") { Description = $"Rows to print at most; default: {TableRows} in a table, all as JSON or CSV", HelpName = "N" });
        csv = Add(new Option<bool>("--csv") { Description = "Print CSV" });
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (asJson, asCsv) = (parsed.GetValue(json), parsed.GetValue(csv));
        if (asJson && asCsv) throw new DefinitionException("--json and --csv are both given; expected one of them.");
        var most = parsed.GetValue(limit) ?? (asJson || asCsv ? int.MaxValue : TableRows);
        if (most < 0) throw new DefinitionException($"--limit is {most}; expected 0 or more.");
        using var rows = await query(Application.WorkspaceOf(parsed.GetValue(workspace), Settings(parsed)), parsed.GetValue(sql)!).OpenAsync(cancel);
        var printer = new RowsPrinter(Application.Out, rows.Schema);
        if (asJson) await printer.PrintJsonAsync(rows, most, cancel);
        else if (asCsv) await printer.PrintCsvAsync(rows, most, cancel);
        else await printer.PrintTableAsync(rows, most, cancel);
        return ExitCodes.Done;
    }
}
