using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.Parquet;

/// <summary>Pinned Parquet files. Every read has a native reader of its own over the shared descriptors.</summary>
sealed class ParquetSnapshot : ISourceSnapshot
{
    readonly IReadOnlyList<PinnedFile> files;
    readonly HiveColumns hive;
    readonly List<SourceFragment> fragments = [];

    public ParquetSnapshot(IReadOnlyList<PinnedFile> files, HiveColumns hive)
    {
        (this.files, this.hive) = (files, hive);
        Files = [.. files.Select(f => f.Identity)];
        var schemas = new List<Schema>();
        for (var f = 0; f < files.Count; f++)
        {
            using var reading = new ParquetReading(files[f]);
            schemas.Add(reading.Schema);
            AddFragments(f, reading);
        }
        var problems = schemas.SelectMany((schema, f) => Problems(schema, f, schemas[0])).ToArray();
        if (problems.Length > 0)
            throw new DataException(string.Join(Environment.NewLine, [.. problems, "Expected files of one schema; rewrite them, or bind them as sources of their own."]));
        Schema = new Schema([.. schemas[0].FieldsList.Where(f => hive.Find(f.Name) is null).Select(f => Widened(f, schemas)), .. hive.All.Select(c => c.Field)], null);
    }

    public Schema Schema { get; }
    public IReadOnlyList<SourceFile> Files { get; }
    public IReadOnlyList<SourceFragment> Fragments => fragments;

    void AddFragments(int file, ParquetReading reading)
    {
        long firstRow = 0;
        foreach (var (group, part) in reading.RowGroups().Select((g, i) => (g, i)))
        {
            foreach (var column in hive.All) group.Statistics[column.Name] = column.Statistics(file, group.Rows);
            fragments.Add(new SourceFragment(fragments.Count, file, part, firstRow, group.Rows, group.Bytes, group.Statistics));
            firstRow += group.Rows;
        }
    }

    // A column is nullable if it is so in any file.
    static Field Widened(Field field, List<Schema> schemas) => new(field.Name, field.DataType, schemas.Any(s => s.GetFieldByName(field.Name).IsNullable));

    IEnumerable<string> Problems(Schema schema, int file, Schema first)
    {
        var path = files[file].Path;
        foreach (var twice in schema.FieldsList.CountBy(f => f.Name).Where(n => n.Value > 1)) yield return $"{path} has {twice.Value} columns named '{twice.Key}'.";
        foreach (var field in first.FieldsList)
        {
            var index = schema.GetFieldIndex(field.Name);
            if (index < 0) yield return $"{path} has no column '{field.Name}', which {files[0].Path} has.";
            else if (schema.GetFieldByIndex(index).DataType is var type && (type.TypeId != field.DataType.TypeId || LineageTypes.Text(type) != LineageTypes.Text(field.DataType)))
                yield return $"{path} has column '{field.Name}' of type {LineageTypes.Text(type)} ({type.Name}); {files[0].Path} has it of type {LineageTypes.Text(field.DataType)} ({field.DataType.Name}).";
        }
        foreach (var extra in schema.FieldsList.Where(f => first.GetFieldIndex(f.Name) < 0)) yield return $"{path} has a column '{extra.Name}', which {files[0].Path} has not.";
    }

    public IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, CancellationToken cancel)
    {
        ScanChecks.Check(this, request);
        return ReadFilesAsync(request, cancel);
    }

    async IAsyncEnumerable<SourceBatch> ReadFilesAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        var wanted = request.Fragments is null ? fragments : request.Fragments.Select(f => fragments[f]);
        foreach (var parts in wanted.GroupBy(f => f.File))
        {
            await foreach (var batch in ReadFileAsync(request, parts.Key, [.. parts], cancel)) yield return batch;
        }
    }

    async IAsyncEnumerable<SourceBatch> ReadFileAsync(ScanRequest request, int file, SourceFragment[] parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var path = files[file].Path;
        var inFile = request.Columns.Where(c => hive.Find(c) is null).ToArray();
        if (inFile.Length == 0)
        {
            foreach (var part in parts)
            {
                for (long done = 0; done < part.Rows; done += request.BatchSize)
                    yield return new SourceBatch(Assemble(request.Columns, file, null, (int)Math.Min(request.BatchSize, part.Rows - done)), path, part.FirstRow + done);
            }
            yield break;
        }
        files[file].VerifyContent();
        using var reading = new ParquetReading(files[file], request.BatchSize);
        var leaves = reading.Leaves(inFile);
        foreach (var part in parts)
        {
            var row = part.FirstRow;
            using var stream = reading.RowGroup(part.Part, leaves);
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                var batch = await reading.NextAsync(stream, cancel);
                if (batch is null) break;
                var first = row;
                row += batch.Length;
                yield return new SourceBatch(Assemble(request.Columns, file, batch, batch.Length), path, first);
            }
            if (row != part.FirstRow + part.Rows)
                throw new DataException($"{path} row group {part.Part} has {row - part.FirstRow} rows; expected {part.Rows}, as its footer says. The file is corrupt; copy it again.");
        }
    }

    RecordBatch Assemble(IReadOnlyList<string> columns, int file, RecordBatch? read, int rows) => new(
        new Schema(columns.Select(Schema.GetFieldByName), null),
        columns.Select(c => hive.Find(c)?.Column(file, rows) ?? read!.Column(read.Schema.GetFieldIndex(c))), rows);

    public void Verify()
    {
        foreach (var file in files) file.Verify();
    }

    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }
}
