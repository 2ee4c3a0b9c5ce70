using Apache.Arrow;
using Apache.Arrow.Ipc;
using BatchMl.Data;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>The native reader over one pinned file: what it says of a broken file becomes an error that names the file.</summary>
sealed class ParquetReading : IDisposable
{
    readonly PinnedFile file;
    readonly FileReader reader;

    public ParquetReading(PinnedFile file, int batchSize = 65_536)
    {
        this.file = file;
        using var properties = ReaderProperties.GetDefaultReaderProperties();
        properties.EnablePageChecksumVerification();
        using var arrow = ArrowReaderProperties.GetDefault();
        arrow.BatchSize = batchSize;
        // Threads are for units of work, not for the columns of one file.
        arrow.UseThreads = false;
        arrow.PreBuffer = false;
        reader = Guard(() => new FileReader(file.NewStream(), properties, arrow, leaveOpen: false));
        Schema = Guard(() => reader.Schema);
    }

    public Schema Schema { get; }

    /// <summary>Rows, bytes and statistics of each row group.</summary>
    public IReadOnlyList<(long Rows, long Bytes, Dictionary<string, ColumnStatistics> Statistics)> RowGroups() => Guard(() =>
    {
        var manifest = reader.SchemaManifest;
        var columns = Schema.FieldsList.Select((f, i) => (Field: f, Leaf: manifest.SchemaField(i).ColumnIndex))
            .Where(c => c.Leaf >= 0 && Columns.TypeOf(c.Field.DataType) is not null).Select(c => (c.Field.Name, c.Leaf)).ToArray();
        var groups = new List<(long, long, Dictionary<string, ColumnStatistics>)>();
        for (var g = 0; g < reader.NumRowGroups; g++)
        {
            using var group = reader.ParquetReader.RowGroup(g);
            var metadata = group.MetaData;
            if (metadata.NumRows < 0) throw new DataException($"{file.Path} has a corrupt footer: row group {g} has {metadata.NumRows} rows. Copy the file again.");
            var bytes = 0L;
            for (var c = 0; c < metadata.NumColumns; c++)
            {
                using var chunk = metadata.GetColumnChunkMetaData(c);
                bytes += chunk.TotalCompressedSize;
            }
            groups.Add((metadata.NumRows, bytes, RowGroupStatistics.Read(metadata, columns)));
        }
        return groups;
    });

    /// <summary>The leaf columns below top-level columns, ascending.</summary>
    public int[] Leaves(IEnumerable<string> columns) => Guard(() =>
    {
        var manifest = reader.SchemaManifest;
        var leaves = new List<int>();
        foreach (var column in columns) Collect(manifest.SchemaField(Schema.GetFieldIndex(column)), leaves);
        return leaves.Order().ToArray();
    });

    static void Collect(SchemaField field, List<int> leaves)
    {
        if (field.ColumnIndex >= 0) leaves.Add(field.ColumnIndex);
        foreach (var child in field.Children) Collect(child, leaves);
    }

    public IArrowArrayStream RowGroup(int ordinal, int[] leaves) => Guard(() => reader.GetRecordBatchReader([ordinal], leaves));

    public async ValueTask<RecordBatch?> NextAsync(IArrowArrayStream stream, CancellationToken cancel)
    {
        try
        {
            return await stream.ReadNextRecordBatchAsync(cancel);
        }
        catch (Exception e) when (IsNative(e))
        {
            throw Corrupt(e);
        }
    }

    T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (IsNative(e))
        {
            throw Corrupt(e);
        }
    }

    static bool IsNative(Exception e) => e is not (OperationCanceledException or BatchMlException);

    DataException Corrupt(Exception e) => new(
        $"{file.Path} can not be read as Parquet: {e.Message.Split('\n')[0].TrimEnd('.')}. Expected a valid file; it is corrupt or was cut. Copy it again, or bind the source elsewhere.", e);

    public void Dispose() => reader.Dispose();
}
