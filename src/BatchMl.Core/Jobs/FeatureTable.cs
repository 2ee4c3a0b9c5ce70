using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Runs;

namespace BatchMl.Jobs;

/// <summary>
/// The features of a query for any table of keys and instants: the table's columns as they are, in its order, and beside them each feature as a training set has it (hidden ones too). Computed by the engine that jobs have; nothing is kept in
/// the workspace. Takes the snapshot over.
/// </summary>
public sealed class FeatureTable : IDisposable
{
    readonly ISourceSnapshot table;
    readonly IPinnedQuery pinned;
    readonly string asOf;
    readonly string[] features;

    FeatureTable(ISourceSnapshot table, IPinnedQuery pinned, string asOf)
    {
        (this.table, this.pinned, this.asOf) = (table, pinned, asOf);
        features = Features(pinned.Query);
        Schema = new Schema([.. table.Schema.FieldsList.Select(Plain), .. features.Select(pinned.Query.Schema.GetFieldByName)], null);
    }

    /// <summary>The table's columns, then the features.</summary>
    public Schema Schema { get; }

    /// <summary>How many of the columns are features.</summary>
    public int FeatureCount => features.Length;

    /// <summary>The columns that a table must have, as_of aside, with the types that the query has them in.</summary>
    public static IReadOnlyList<QueryColumn> Needed(FeatureQuery query) => GivenRows.Needed(query);

    /// <summary>Checks a table against a query, and pins the sources of its features.</summary>
    /// <param name="query">Whose features.</param>
    /// <param name="table">The opened table; disposed of with the result, or if this fails.</param>
    /// <param name="name">What it is called in messages.</param>
    /// <param name="asOf">Its column of instants.</param>
    /// <param name="environment">Where the features' sources are, and the engine.</param>
    /// <param name="memory">Budget in bytes; 0: half of the machine's.</param>
    /// <param name="cancel">Stops reading.</param>
    /// <exception cref="DefinitionException">Columns are missing, or of other types, or have the name of a feature: all of them at once.</exception>
    /// <exception cref="DataException">Rows have no as_of: names them.</exception>
    public static async Task<FeatureTable> OpenAsync(FeatureQuery query, ISourceSnapshot table, string name, string asOf, JobEnvironment environment, long memory, CancellationToken cancel)
    {
        try
        {
            var problems = Problems(query, table.Schema, name, asOf).ToArray();
            if (problems.Length > 0) throw new DefinitionException(problems);
            await CheckAsOfAsync(table, asOf, cancel);
            var options = JobOptions.Of(environment, new RunRequest { Memory = memory, MaxParallel = 1 });
            var pinned = await environment.Engine.OpenAsync(GivenRows.Ask(query, name, asOf), source => source == name ? new Opened(table) : environment.Sources(source), options, cancel);
            return new FeatureTable(table, pinned, asOf);
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    static IEnumerable<string> Problems(FeatureQuery query, Schema schema, string name, string asOf)
    {
        var there = string.Join(", ", schema.FieldsList.Select(f => f.Name));
        if (schema.GetFieldIndex(asOf) is var at && at < 0) yield return $"{name} has no column '{asOf}' that says as of when each row is asked for. It has: {there}. Name another with --as-of.";
        else if (Columns.TypeOf(schema.GetFieldByIndex(at).DataType) is var found and not ColumnType.Timestamp)
        {
            yield return $"Column '{asOf}' of {name} is of type {Text(found, schema, at)}; expected a Timestamp. Write instants, or name another column with --as-of.";
        }
        foreach (var needed in Needed(query))
        {
            var index = schema.GetFieldIndex(needed.Name);
            if (index < 0) yield return $"{name} has no column '{needed.Name}' ({needed.Type}), {Why(query, needed.Name)}. It has: {there}. Add the column.";
            else if (Columns.TypeOf(schema.GetFieldByIndex(index).DataType) is var type && type != needed.Type && (type, needed.Type) != (ColumnType.Int64, ColumnType.Double))
            {
                yield return $"Column '{needed.Name}' of {name} is of type {Text(type, schema, index)}; expected {needed.Type}, {Why(query, needed.Name)}. Convert the column.";
            }
        }
        foreach (var twice in Features(query).Where(f => schema.GetFieldIndex(f) >= 0)) yield return $"{name} has a column '{twice}', which is the name of a feature. Rename the column, or leave it out.";
    }

    static string Text(ColumnType? type, Schema schema, int index) => type?.ToString() ?? LineageTypes.Text(schema.GetFieldByIndex(index).DataType);

    // A spine column that is itself a feature is among the table's.
    static string[] Features(FeatureQuery query) => [.. query.Columns.Where(c => c.Role is ColumnRole.Feature or ColumnRole.Derived).Select(c => c.Name)];

    static string Why(FeatureQuery query, string column)
    {
        if (query.Views.FirstOrDefault(v => v.KeyColumns.Contains(column)) is { } view) return $"by which features of '{view.View.Source.Name}' are looked up";
        return query.Derived.FirstOrDefault(d => d.Expr.Columns().Contains(column)) is { } derived ? $"which the derived feature '{derived.Name}' reads" : $"which is a feature of service '{query.Service!.Name}'";
    }

    static async Task CheckAsOfAsync(ISourceSnapshot table, string asOf, CancellationToken cancel)
    {
        const int Named = 10;
        var (first, count) = (new List<string>(), 0L);
        await foreach (var read in table.ReadAsync(new ScanRequest([asOf]), cancel))
        {
            using (read)
            {
                var column = read.Batch.Column(0);
                for (var i = 0; column.NullCount > 0 && i < column.Length; i++)
                {
                    if (column.IsNull(i) && count++ < Named) first.Add($"{read.File} row {read.FirstRow + i}");
                }
            }
        }
        if (count > 0)
        {
            throw new DataException($"Column '{asOf}' is null in {count} rows, so nothing can be known as of them: {string.Join(", ", first)}{(count > Named ? ", …" : "")} (the first row is 0). Expected an instant in every row; mend or leave out these rows.");
        }
    }

    /// <summary>The rows, in the table's order. Batches are valid until the next one is asked for.</summary>
    /// <exception cref="DataException">A derived feature can not be computed for a row.</exception>
    public async IAsyncEnumerable<RecordBatch> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var partitions = await pinned.PartitionsAsync(null, null, cancel);
        if (partitions.Count == 0) yield break;
        await using var given = new TableRows(table, cancel);
        await foreach (var computed in pinned.ComputeAsync(partitions, null, cancel))
        {
            using (computed)
            {
                if (computed.Errors.Count > 0)
                {
                    var error = computed.Errors[0];
                    throw new DataException($"Column '{error.Column}': {error.Message} ({computed.Errors.Count} such rows in this batch of {computed.Batch.Length}). Mend or leave out these rows.");
                }
                var columns = await given.NextAsync(computed.Batch.Length);
                yield return new RecordBatch(Schema, [.. columns, .. features.Select(f => computed.Batch.Column(f))], computed.Batch.Length);
            }
        }
        pinned.Verify();
    }

    // A dictionary may differ from batch to batch.
    static Field Plain(Field field) => field.DataType is DictionaryType ? new Field(field.Name, Columns.ArrowType(Columns.TypeOf(field.DataType)!.Value), field.IsNullable) : field;

    /// <inheritdoc/>
    public void Dispose() => pinned.Dispose();

    sealed class Opened(ISourceSnapshot snapshot) : IBatchSource
    {
        public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => Task.FromResult(snapshot);
    }
}

/// <summary>All columns of a table, so many rows at a time as somebody asks for.</summary>
sealed class TableRows(ISourceSnapshot table, CancellationToken cancel) : IAsyncDisposable
{
    readonly IAsyncEnumerator<SourceBatch> batches = table.ReadAsync(new ScanRequest([.. table.Schema.FieldsList.Select(f => f.Name)]), cancel).GetAsyncEnumerator(cancel);
    SourceBatch? current;
    int offset;

    /// <summary>The next rows, in memory of their own.</summary>
    /// <exception cref="InputChangedException">There are not so many.</exception>
    public async Task<IArrowArray[]> NextAsync(int rows)
    {
        var parts = Enumerable.Range(0, table.Schema.FieldsList.Count).Select(_ => new List<IArrowArray>()).ToArray();
        for (var missing = rows; missing > 0;)
        {
            if (current is null || offset == current.Batch.Length)
            {
                current?.Dispose();
                current = null;
                if (!await batches.MoveNextAsync()) throw new InputChangedException($"{table.Files[0].Path} has fewer rows than when it was read before. Leave it alone while it is read, and try again.");
                (current, offset) = (batches.Current, 0);
                continue;
            }
            int[] taken = [.. Enumerable.Range(offset, Math.Min(missing, current.Batch.Length - offset))];
            for (var c = 0; c < parts.Length; c++)
            {
                var column = current.Batch.Column(c);
                parts[c].Add(Columns.Take(column is DictionaryArray ? Columns.Normalize(column) : column, taken));
            }
            offset += taken.Length;
            missing -= taken.Length;
        }
        return [.. parts.Select(Columns.Concat)];
    }

    public async ValueTask DisposeAsync()
    {
        current?.Dispose();
        await batches.DisposeAsync();
    }
}
