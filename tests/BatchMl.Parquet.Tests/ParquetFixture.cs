using Apache.Arrow;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet.Tests;

/// <summary>Writes Parquet files with the native writer, apart from our sink.</summary>
static class ParquetFixture
{
    public static string Write(string path, RecordBatch rows, int rowGroupRows = 1 << 20, Action<WriterPropertiesBuilder>? with = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var builder = new WriterPropertiesBuilder();
        builder.Compression(Compression.Zstd).EnablePageChecksum();
        with?.Invoke(builder);
        using var properties = builder.Build();
        using var arrow = new ArrowWriterPropertiesBuilder().StoreSchema();
        using var arrowProperties = arrow.Build();
        using var writer = new FileWriter(path, rows.Schema, properties, arrowProperties);
        writer.WriteRecordBatch(rows, rowGroupRows);
        writer.Close();
        return path;
    }
}
