using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>
/// A table in Parquet files of a local file system: one file, a folder (Hive partition folders become columns) or a glob. Columns and row groups that are not asked for are not read;
/// page checksums are verified where a file has them.
/// </summary>
/// <param name="path">File, folder or glob.</param>
public sealed class ParquetSource(string path) : IBatchSource
{
    /// <inheritdoc/>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        var paths = PathGlob.Files(path);
        var files = new List<PinnedFile>();
        try
        {
            foreach (var each in paths) files.Add(PinnedFile.Open(each));
            return Task.FromResult<ISourceSnapshot>(new ParquetSnapshot(files, new HiveColumns(PathGlob.Root(path), paths)));
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }
}

/// <summary>Pinned Parquet files.</summary>
sealed class ParquetSnapshot : ISourceSnapshot
{
    readonly IReadOnlyList<PinnedFile> files;
    readonly HiveColumns hive;
    readonly List<SourceFragment> fragments = [];

    public ParquetSnapshot(IReadOnlyList<PinnedFile> files, HiveColumns hive)
    {
        (this.files, this.hive) = (files, hive);
        Files = [.. files.Select(f => f.Identity)];
        Schema? first = null;
        var problems = new List<string>();
        for (var f = 0; f < files.Count; f++)
        {
            using var reader = Open(files[f]);
            var schema = Guard(files[f], () => reader.Schema);
            if (first is null) first = schema;
            else problems.AddRange(Differences(files[0].Identity.Path, first, files[f].Identity.Path, schema));
            AddFragments(f, reader);
        }
        if (problems.Count > 0) throw new DataException(string.Join(Environment.NewLine, problems) + Environment.NewLine + "Expected files of one schema; bind them as sources of their own, or rewrite them.");
        Schema = new Schema([.. first!.FieldsList.Where(x => !hive.Has(x.Name)), .. hive.Fields], null);
    }

    public Schema Schema { get; }
    public IReadOnlyList<SourceFile> Files { get; }
    public IReadOnlyList<SourceFragment> Fragments => fragments;

    void AddFragments(int file, FileReader reader)
    {
        var columns = Enumerable.Range(0, reader.Schema.FieldsList.Count)
            .Select(i => (Field: reader.Schema.GetFieldByIndex(i), Leaf: reader.SchemaManifest.SchemaField(i).ColumnIndex)).Where(c => c.Leaf >= 0).ToArray();
        long firstRow = 0;
        for (var g = 0; g < reader.NumRowGroups; g++)
        {
            using var group = reader.ParquetReader.RowGroup(g);
            var metadata = group.MetaData;
            var statistics = RowGroupStatistics.Read(metadata, columns);
            foreach (var (name, constant) in hive.Statistics(file)) statistics[name] = constant;
            fragments.Add(new SourceFragment(fragments.Count, file, g, firstRow, metadata.NumRows, metadata.TotalByteSize, statistics));
            firstRow += metadata.NumRows;
        }
    }

    static IEnumerable<string> Differences(string firstPath, Schema first, string path, Schema schema)
    {
        foreach (var field in first.FieldsList)
        {
            var index = schema.GetFieldIndex(field.Name);
            if (index < 0) yield return $"{path} has no column '{field.Name}', which {firstPath} has.";
            else if (LineageTypes.Text(schema.GetFieldByIndex(index).DataType) is var type && type != LineageTypes.Text(field.DataType))
            {
                yield return $"{path} has column '{field.Name}' of type {type}; {firstPath} has it of type {LineageTypes.Text(field.DataType)}.";
            }
        }
        foreach (var extra in schema.FieldsList.Where(f => first.GetFieldIndex(f.Name) < 0)) yield return $"{path} has a column '{extra.Name}' that {firstPath} has not.";
    }

    public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var name in request.Columns.Where(c => Schema.GetFieldIndex(c) < 0))
        {
            throw new DataException($"{Files[0].Path} has no column '{name}'. Columns are: {string.Join(", ", Schema.FieldsList.Select(f => f.Name))}.");
        }
        var wanted = request.Fragments is null ? fragments : request.Fragments.Select(f => fragments[f]);
        foreach (var group in wanted.GroupBy(f => f.File))
        {
            await foreach (var batch in ReadFileAsync(request, group.Key, [.. group], cancel)) yield return batch;
        }
    }

    async IAsyncEnumerable<SourceBatch> ReadFileAsync(ScanRequest request, int file, SourceFragment[] parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var pinned = files[file];
        using var reader = Open(pinned, request.BatchSize);
        var inFile = request.Columns.Where(c => !hive.Has(c)).ToArray();
        var leaves = Leaves(reader, inFile);
        foreach (var part in parts)
        {
            var row = part.FirstRow;
            if (inFile.Length == 0)
            {
                for (long done = 0; done < part.Rows; done += request.BatchSize)
                {
                    var rows = (int)Math.Min(request.BatchSize, part.Rows - done);
                    yield return new SourceBatch(Assemble(request.Columns, file, null, rows), pinned.Identity.Path, row + done);
                }
                continue;
            }
            using var stream = Guard(pinned, () => reader.GetRecordBatchReader([part.Part], leaves));
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                var batch = await GuardAsync(pinned, () => stream.ReadNextRecordBatchAsync(cancel));
                if (batch is null) break;
                yield return new SourceBatch(Assemble(request.Columns, file, batch, batch.Length), pinned.Identity.Path, row);
                row += batch.Length;
            }
            if (row != part.FirstRow + part.Rows)
            {
                throw new DataException($"{pinned.Identity.Path} row group {part.Part} has {row - part.FirstRow} rows, its footer says {part.Rows}. The file is corrupt; copy it again.");
            }
        }
    }

    RecordBatch Assemble(IReadOnlyList<string> columns, int file, RecordBatch? read, int rows) => new(
        new Schema(columns.Select(c => Schema.GetFieldByName(c)), null),
        columns.Select(c => hive.Has(c) ? hive.Column(c, file, rows) : read!.Column(read.Schema.GetFieldIndex(c))), rows);

    static int[] Leaves(FileReader reader, IReadOnlyList<string> columns)
    {
        var leaves = new List<int>();
        foreach (var column in columns) Collect(reader.SchemaManifest.SchemaField(reader.Schema.GetFieldIndex(column)), leaves);
        return [.. leaves.Order()];
    }

    static void Collect(SchemaField field, List<int> leaves)
    {
        if (field.ColumnIndex >= 0) leaves.Add(field.ColumnIndex);
        foreach (var child in field.Children) Collect(child, leaves);
    }

    static FileReader Open(PinnedFile file, int batchSize = 65_536)
    {
        using var properties = ReaderProperties.GetDefaultReaderProperties();
        properties.EnablePageChecksumVerification();
        using var arrow = ArrowReaderProperties.GetDefault();
        arrow.BatchSize = batchSize;
        // Threads are for units of work, not for columns of one file.
        arrow.UseThreads = false;
        return Guard(file, () => new FileReader(file.NewStream(), properties, arrow, leaveOpen: false));
    }

    // What the native reader says of a broken file becomes an error that names it.
    static T Guard<T>(PinnedFile file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (OperationCanceledException or BatchMlException or OutOfMemoryException))
        {
            throw Corrupt(file, e);
        }
    }

    static async ValueTask<RecordBatch?> GuardAsync(PinnedFile file, Func<ValueTask<RecordBatch>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not (OperationCanceledException or BatchMlException or OutOfMemoryException))
        {
            throw Corrupt(file, e);
        }
    }

    static DataException Corrupt(PinnedFile file, Exception e) =>
        new($"{file.Identity.Path} can not be read as Parquet: {e.Message.Split('\n')[0]} The file is corrupt or was cut; copy it again, or bind the source elsewhere.", e);

    public void Verify()
    {
        foreach (var file in files) file.Verify();
    }

    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }
}
