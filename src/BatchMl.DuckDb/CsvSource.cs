using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>
/// CSV files with a header line, quoted by <c>"</c> where need be; the delimiter is found out, empty fields are null. Types are found out from the first 20,480 rows of the first file, or given. A value that is not of its column's type
/// fails the read, naming file and line. <c>.gz</c> and <c>.zst</c> are unpacked. Rows come in file order; each file is one fragment without statistics.
/// </summary>
/// <param name="path">File, folder (<c>*.csv</c>, <c>*.tsv</c>) or glob; see <see cref="PathPattern"/>.</param>
/// <param name="types">Types by column in DuckDB's words, e.g. <c>VARCHAR</c>, <c>BIGINT</c>, <c>TIMESTAMP</c>; null: all are found out.</param>
public sealed class CsvSource(string path, IReadOnlyDictionary<string, string>? types = null) : IBatchSource
{
    static readonly TextFiles files = new("CSV", [".csv", ".tsv"], input => Scan(input, ""), (input, columns) => Scan(input, $", types = {DuckDbText.Struct(columns)}"), MayLackColumns: false);

    static string Scan(PinnedInput input, string more) => $"SELECT * FROM read_csv({DuckDbText.Literal(input.DescriptorPath)}, header = true, quote = '\"', escape = '\"'{Compression.Of(input.Path)}{more})";

    /// <inheritdoc/>
    /// <exception cref="DefinitionException">The path is not one of a local file system.</exception>
    /// <exception cref="DataException">A file is missing or not CSV, or the files' columns differ: every difference is named.</exception>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => Task.FromResult(files.Open(path, types ?? new Dictionary<string, string>(), cancel));
}
