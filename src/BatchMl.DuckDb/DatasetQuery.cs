using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using DuckDB.NET.Data;

namespace BatchMl.DuckDb;

/// <summary>
/// One SELECT in DuckDB's dialect over published datasets, each a view named as the dataset, e.g. <c>"flight-delays/score"</c>, with the rows that its manifests name and its partition column. Nothing else can be read, and nothing written:
/// other statements are refused before they run, and DuckDB may open no file but those.
/// </summary>
/// <param name="root">Folder of the datasets.</param>
/// <param name="sql">The SELECT.</param>
public sealed class DatasetQuery(string root, string sql) : IBatchSource
{
    /// <inheritdoc/>
    /// <exception cref="DefinitionException">It is not one SELECT, or what it names does not exist.</exception>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        CheckSelect();
        var names = PublishedTable.NamesIn(root);
        // Only the manifests of what is asked about are read; who names nothing (SHOW TABLES) may see everything.
        var named = names.Where(n => sql.Contains(n, StringComparison.OrdinalIgnoreCase)).ToArray();
        var tables = (named.Length > 0 ? named : names).Select(n => PublishedTable.Read(root, n)).OfType<PublishedTable>().ToArray();
        var setUp = string.Join(";\n", [.. tables.Select(View), .. Closed(tables)]);
        var query = new DuckDbQuery(null, Select, Fail) { SetUp = setUp };
        var schema = query.Schema();
        // What has no counterpart here (intervals, times of day) is shown as DuckDB writes it.
        if (schema.FieldsList.Any(f => !IsReadable(f.DataType)))
        {
            var columns = schema.FieldsList.Select(f => IsReadable(f.DataType) ? DuckDbText.Name(f.Name) : $"CAST({DuckDbText.Name(f.Name)} AS VARCHAR) AS {DuckDbText.Name(f.Name)}");
            query = new DuckDbQuery(null, $"SELECT {string.Join(", ", columns)} FROM (\n{Select}\n)", Fail) { SetUp = setUp };
            schema = query.Schema();
        }
        return Task.FromResult<ISourceSnapshot>(new Rows(schema, query));

        DefinitionException Fail(string message, Exception inner) => new($"The query can not be answered: {message}. Datasets are: {(names.Count == 0 ? "none" : string.Join(", ", names.Select(DuckDbText.Name)))}, in {root}.");
    }

    string Select => sql.Trim().TrimEnd(';');

    // Only a SELECT has such a form: whatever else DuckDB may do, it is not asked to.
    void CheckSelect()
    {
        using var connection = new DuckDBConnection("DataSource=:memory:;autoinstall_known_extensions=false;autoload_known_extensions=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT t->>'$.error', t->>'$.error_message', json_array_length(t, '$.statements')::INTEGER FROM (SELECT json_serialize_sql($1::VARCHAR) AS t)";
        command.Parameters.Add(new DuckDBParameter(sql));
        using var reader = command.ExecuteReader();
        reader.Read();
        if (reader.GetString(0) == "true") throw new DefinitionException($"The query is not one that can be answered: {reader.GetString(1).Split('\n')[0]} Expected one SELECT in DuckDB's dialect; datasets are only read.");
        if (reader.GetInt32(2) != 1) throw new DefinitionException($"The query has {reader.GetInt32(2)} statements; expected one SELECT.");
    }

    static string View(PublishedTable table)
    {
        var (partition, files) = (table.PartitionColumn, string.Join(", ", table.Files.Select(DuckDbText.Literal)));
        var type = partition.Type.StartsWith("date", StringComparison.Ordinal) ? "DATE" : partition.Type.Contains("int", StringComparison.Ordinal) ? "BIGINT" : "VARCHAR";
        var columns = string.Join(", ", table.Columns.Select(c => DuckDbText.Name(c.Name)));
        return $"CREATE VIEW {DuckDbText.Name(table.Name)} AS SELECT {columns} FROM read_parquet([{files}], hive_partitioning = true, hive_types = {{{DuckDbText.Literal(partition.Name)}: {type}}}, union_by_name = {(table.IsUniform ? "false" : "true")})";
    }

    static IEnumerable<string> Closed(IReadOnlyList<PublishedTable> tables) =>
    [
        $"SET allowed_paths = [{string.Join(", ", tables.SelectMany(t => t.Files).Select(DuckDbText.Literal))}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ];

    static bool IsReadable(IArrowType type) => Columns.TypeOf(type) is not null || type is Decimal128Type or BinaryType || type is ListType l && IsReadable(l.ValueDataType) || type is StructType s && s.Fields.All(f => IsReadable(f.DataType));

    sealed class Rows(Schema schema, DuckDbQuery query) : ISourceSnapshot
    {
        public Schema Schema => schema;
        public IReadOnlyList<SourceFile> Files => [];
        public IReadOnlyList<SourceFragment> Fragments => [];

        public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
        {
            long row = 0;
            await foreach (var batch in query.ReadAsync(new Schema(request.Columns.Select(schema.GetFieldByName), null), request.BatchSize, cancel))
            {
                var first = row;
                row += batch.Length;
                yield return new SourceBatch(batch, "query", first);
            }
        }

        public void Verify() { }

        public void Dispose() { }
    }
}
