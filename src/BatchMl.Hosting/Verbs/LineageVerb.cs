using System.CommandLine;
using System.Text.Json;
using BatchMl.Hosting.Output;
using BatchMl.Lineage;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Answers where a column comes from and what was made from a dataset or file.</summary>
sealed class LineageVerb : Verb
{
    readonly Argument<string> dataset;
    readonly Option<string?> workspace;
    readonly Option<bool> json;

    public LineageVerb(BatchMlApplication application)
        : base(application, "lineage", "Show where a dataset or column comes from, back to the sources, and what was made from it")
    {
        dataset = Add(new Argument<string>("DATASET[.COLUMN]") { Description = "A dataset (flight-delays/score), a file (flights.parquet), or one of its columns (flight-delays/score.score)" });
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var workspaceFolder = Application.WorkspaceOf(parsed.GetValue(workspace), Settings(parsed));
        var graph = LineageGraph.Read(workspaceFolder.Lineage);
        var (name, column) = Resolve(graph, parsed.GetValue(dataset)!, workspaceFolder);
        var document = new LineageDocument(name, column, Trace(graph, name, column), graph.Uses(name, column), graph.MadeFrom(name));
        if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(document, JsonText.Indented));
        else Print(document);
        return ExitCodes.Done;
    }

    sealed record LineageDocument(
        string Dataset, string? Column, IReadOnlyList<LineageEdge> ComesFrom, IReadOnlyList<LineageEdge> UsedBy, IReadOnlyList<LineageProduct> MadeFromIt);

    // A name may hold dots (flights.parquet): the whole is tried before its last part is taken for a column.
    static (string Name, string? Column) Resolve(LineageGraph graph, string text, Workspace workspace)
    {
        var dot = text.LastIndexOf('.');
        foreach (var (name, column) in dot > 0 ? [(text, null), (text[..dot], text[(dot + 1)..])] : new (string, string?)[] { (text, null) })
        {
            var found = graph.Find(name);
            if (found.Count == 0) continue;
            if (found.Count > 1) throw new DefinitionException($"'{name}' could be: {string.Join(", ", found)}. Give more of the path.");
            if (column is not null && graph.Origins(found[0], column).All(e => e.Column == "*") && graph.Uses(found[0], column).Count == 0)
            {
                var known = graph.Origins(found[0], null).Select(e => e.Column).Concat(graph.Uses(found[0], null).Select(e => e.Field)).Where(c => c != "*").Distinct();
                throw new DefinitionException($"Lineage knows no column '{column}' of {found[0]}. It knows: {string.Join(", ", known)}.");
            }
            return (found[0], column);
        }
        throw new DefinitionException(graph.Datasets.Count == 0
            ? $"There is no lineage in {workspace.Lineage} yet; run a job first."
            : $"Lineage knows no dataset '{text}'. It knows: {string.Join(", ", graph.Datasets)}.");
    }

    // Back to the sources: breadth first, each edge once. A column needs only its own origins, a dataset all of them.
    static IReadOnlyList<LineageEdge> Trace(LineageGraph graph, string dataset, string? column)
    {
        var found = new List<LineageEdge>();
        var seen = new HashSet<(string, string?)>();
        var queue = new Queue<(string Dataset, string? Column)>([(dataset, column)]);
        while (queue.TryDequeue(out var next))
        {
            if (!seen.Add(next)) continue;
            foreach (var edge in graph.Origins(next.Dataset, next.Column).Where(e => !found.Contains(e)))
            {
                found.Add(edge);
                if (column is not null) queue.Enqueue((edge.Input, edge.Field));
            }
        }
        return found;
    }

    void Print(LineageDocument document)
    {
        var output = Application.Out;
        output.WriteLine(document.Column is null ? document.Dataset : $"{document.Dataset}, column {document.Column}");
        if (document.ComesFrom.Count > 0)
        {
            output.WriteLine("comes from");
            foreach (var group in document.ComesFrom.GroupBy(e => (e.Output, e.Column, e.Job)))
            {
                output.WriteLine($"  {(group.Key.Column == "*" ? "every column" : group.Key.Column)} of {Short(group.Key.Output)} (job {group.Key.Job})");
                foreach (var edge in group) output.WriteLine($"    {Short(edge.Input)}.{edge.Field}  {edge.How}");
            }
        }
        if (document.UsedBy.Count > 0)
        {
            output.WriteLine("is used by");
            foreach (var group in document.UsedBy.GroupBy(e => (e.Output, e.Job)))
            {
                output.WriteLine($"  {Short(group.Key.Output)} (job {group.Key.Job}): {string.Join(", ", group.Select(e => e.Column == "*" ? "every column" : e.Column).Distinct())}");
            }
        }
        foreach (var group in document.MadeFromIt.GroupBy(p => (p.Dataset, p.Job)))
        {
            var partitions = group.ToArray();
            output.WriteLine($"made from it: {partitions.Length} partition{(partitions.Length == 1 ? "" : "s")} of {Short(group.Key.Dataset)} (job {group.Key.Job}), {partitions.Sum(p => p.Rows)} rows: "
                + $"{partitions[0].Partition}{(partitions.Length > 1 ? $" … {partitions[^1].Partition}" : "")}");
        }
    }

    static string Short(string name) => string.Join('/', name.Split('/').TakeLast(2));
}
