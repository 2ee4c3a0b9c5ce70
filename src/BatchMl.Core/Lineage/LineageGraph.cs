using System.Text.Json;

namespace BatchMl.Lineage;

/// <summary>An edge of column lineage as events told it.</summary>
/// <param name="Job">The job that made the output.</param>
/// <param name="Output">The dataset made.</param>
/// <param name="Column">Its column; <c>*</c>: every column.</param>
/// <param name="Input">The dataset read.</param>
/// <param name="Field">Its column.</param>
/// <param name="How">Subtypes, e.g. <c>AGGREGATION, WINDOW</c>.</param>
public sealed record LineageEdge(string Job, string Output, string Column, string Input, string Field, string How);

/// <summary>A partition that a run made from inputs.</summary>
/// <param name="Dataset">The dataset made.</param>
/// <param name="Partition">Which partition of it.</param>
/// <param name="Job">By which job.</param>
/// <param name="RunId">By which attempt.</param>
/// <param name="At">When.</param>
/// <param name="Rows">Rows written.</param>
/// <param name="Inputs">Datasets read.</param>
public sealed record LineageProduct(string Dataset, string Partition, string Job, string RunId, string At, long Rows, IReadOnlyList<string> Inputs);

/// <summary>Answers questions from the OpenLineage events of a workspace: where a column comes from, what was made from a file.</summary>
public sealed class LineageGraph
{
    readonly Dictionary<(string Job, string Output), List<LineageEdge>> edges = [];
    readonly List<LineageProduct> products = [];

    /// <summary>Reads all event files of a folder; the newest COMPLETE of a job's output gives its column lineage.</summary>
    /// <exception cref="DataException">A line is not an event; names file and line.</exception>
    public static LineageGraph Read(string folder)
    {
        var graph = new LineageGraph();
        if (!Directory.Exists(folder)) return graph;
        foreach (var file in Directory.GetFiles(folder, "*.ndjson").Order(StringComparer.Ordinal))
        {
            var number = 0;
            foreach (var line in File.ReadLines(file))
            {
                number++;
                if (line.Length == 0) continue;
                try
                {
                    using var document = JsonDocument.Parse(line);
                    graph.Add(document.RootElement);
                }
                catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
                {
                    throw new DataException($"{file} line {number} is not an OpenLineage event: {e.Message} Move the file aside to go on without it.", e);
                }
            }
        }
        return graph;
    }

    void Add(JsonElement e)
    {
        if (e.GetProperty("eventType").GetString() != "COMPLETE") return;
        var job = e.GetProperty("job").GetProperty("name").GetString()!;
        var inputs = e.GetProperty("inputs").EnumerateArray().Select(i => i.GetProperty("name").GetString()!).ToArray();
        foreach (var output in e.GetProperty("outputs").EnumerateArray())
        {
            var name = output.GetProperty("name").GetString()!;
            var facets = output.GetProperty("facets");
            if (facets.TryGetProperty("columnLineage", out var lineage)) edges[(job, name)] = [.. Edges(job, name, lineage)];
            var outputFacets = output.GetProperty("outputFacets");
            var partition = outputFacets.TryGetProperty("subset", out var subset)
                ? subset.GetProperty("outputCondition").GetProperty("partitions")[0].GetProperty("identifier").GetString()! : "";
            var rows = outputFacets.TryGetProperty("outputStatistics", out var statistics) ? statistics.GetProperty("rowCount").GetInt64() : 0;
            products.Add(new LineageProduct(name, partition, job, e.GetProperty("run").GetProperty("runId").GetString()!, e.GetProperty("eventTime").GetString()!, rows, inputs));
        }
    }

    static IEnumerable<LineageEdge> Edges(string job, string output, JsonElement facet)
    {
        foreach (var field in facet.GetProperty("fields").EnumerateObject())
        {
            foreach (var input in field.Value.GetProperty("inputFields").EnumerateArray()) yield return Edge(job, output, field.Name, input);
        }
        if (!facet.TryGetProperty("dataset", out var dataset)) yield break;
        foreach (var input in dataset.EnumerateArray()) yield return Edge(job, output, "*", input);
    }

    static LineageEdge Edge(string job, string output, string column, JsonElement input) => new(
        job, output, column, input.GetProperty("name").GetString()!, input.GetProperty("field").GetString()!,
        string.Join(", ", input.GetProperty("transformations").EnumerateArray().Select(t => t.GetProperty("subtype").GetString())));

    /// <summary>Datasets that events name, by the end of their names; exact names win.</summary>
    public IReadOnlyList<string> Find(string dataset)
    {
        var all = products.SelectMany(p => p.Inputs.Append(p.Dataset)).Distinct().ToArray();
        return all.Contains(dataset) ? [dataset] : [.. all.Where(n => n.EndsWith("/" + dataset, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Every dataset named.</summary>
    public IReadOnlyList<string> Datasets => [.. products.SelectMany(p => p.Inputs.Append(p.Dataset)).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Where a dataset's columns (or one of them) come from, one step back.</summary>
    public IReadOnlyList<LineageEdge> Origins(string dataset, string? column) =>
        [.. edges.Values.SelectMany(e => e).Where(e => e.Output == dataset && (column is null || e.Column == column || e.Column == "*"))];

    /// <summary>What was made from a dataset, the newest version of each partition.</summary>
    public IReadOnlyList<LineageProduct> MadeFrom(string dataset) =>
        [.. products.Where(p => p.Inputs.Contains(dataset)).GroupBy(p => (p.Dataset, p.Partition)).Select(g => g.Last())];

    /// <summary>Columns made from a column (or any column) of a dataset.</summary>
    public IReadOnlyList<LineageEdge> Uses(string dataset, string? column) =>
        [.. edges.Values.SelectMany(e => e).Where(e => e.Input == dataset && (column is null || e.Field == column))];
}
