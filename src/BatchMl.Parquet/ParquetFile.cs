using Apache.Arrow;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>Parquet files as we write them: Zstandard, checksums of pages, row groups of a quarter of a million rows.</summary>
public static class ParquetFile
{
    const int RowGroupRows = 1 << 18;

    /// <summary>Writes one file. The same rows give the same bytes, if they come in the same batches.</summary>
    /// <param name="path">Where; there must be no such file.</param>
    /// <param name="schema">Its columns.</param>
    /// <param name="batches">The rows; each batch is disposed when it is written.</param>
    /// <exception cref="IOException">It is there already, or the disk is full or failed.</exception>
    public static void Write(string path, Schema schema, IEnumerable<RecordBatch> batches)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        using var writer = Writer(stream, schema, forOtherReaders: false);
        foreach (var batch in batches)
        {
            using (batch) writer.WriteBufferedRecordBatch(batch);
        }
        writer.Close();
    }

    /// <summary>See <see cref="ParquetLayout.ForOtherReaders"/>.</summary>
    internal static FileWriter Writer(Stream stream, Schema schema, bool forOtherReaders)
    {
        using var builder = new WriterPropertiesBuilder();
        builder.Compression(Compression.Zstd).CompressionLevel(1).EnablePageChecksum().MaxRowGroupLength(RowGroupRows).CreatedBy("BatchMl");
        using var properties = builder.Build();
        using var arrow = new ArrowWriterPropertiesBuilder().StoreSchema();
        if (forOtherReaders) arrow.CoerceTimestamps(Apache.Arrow.Types.TimeUnit.Microsecond).AllowTruncatedTimestamps();
        using var arrowProperties = arrow.Build();
        return new FileWriter(stream, schema, properties, arrowProperties, leaveOpen: true);
    }
}
