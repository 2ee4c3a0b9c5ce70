using Apache.Arrow;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>Parquet files as all of ours are: Zstandard, checksums of pages, row groups of a quarter of a million rows.</summary>
static class ParquetFile
{
    const int RowGroupRows = 1 << 18;

    /// <summary>Writes into a stream that stays open. For <paramref name="forOtherReaders"/> see <see cref="ParquetLayout.ForOtherReaders"/>.</summary>
    public static FileWriter Writer(Stream stream, Schema schema, bool forOtherReaders)
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
