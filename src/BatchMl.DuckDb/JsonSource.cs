using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>
/// JSON files of records: one object a line (NDJSON), or one array of objects. Columns and types are found out from the first file, or given; a record without a column is null there. <c>.gz</c> and <c>.zst</c> are unpacked. Rows come in file
/// order; each file is one fragment without statistics.
/// </summary>
/// <param name="path">File, folder (<c>*.json</c>, <c>*.ndjson</c>, <c>*.jsonl</c>) or glob; see <see cref="PathPattern"/>.</param>
/// <param name="types">Types by column in DuckDB's words, e.g. <c>VARCHAR</c>, <c>TIMESTAMP</c>; null: all are found out.</param>
public sealed class JsonSource(string path, IReadOnlyDictionary<string, string>? types = null) : IBatchSource
{
    static readonly TextFiles files = new(
        "JSON", [".json", ".ndjson", ".jsonl"], input => Scan(input, ""), (input, columns) => Scan(input, $", columns = {DuckDbText.Struct(columns)}"), MayLackColumns: true);

    static string Scan(PinnedInput input, string more) => $"SELECT * FROM read_json({DuckDbText.Literal(input.DescriptorPath)}, records = true{Compression.Of(input.Path)}{more})";

    /// <inheritdoc/>
    /// <exception cref="DefinitionException">The path is not one of a local file system.</exception>
    /// <exception cref="DataException">A file is missing or not JSON, or a later file has columns that the first has not: every difference is named.</exception>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => Task.FromResult(files.Open(path, types ?? new Dictionary<string, string>(), cancel));
}
