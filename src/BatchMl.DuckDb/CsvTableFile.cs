using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;

namespace BatchMl.DuckDb;

/// <summary>Rows as a CSV file that <see cref="CsvSource"/> reads back, see <see cref="CsvText"/>; it takes an empty text for a null, quoted or not, where other readers tell them apart.</summary>
public sealed class CsvTableFile : ITableFile
{
    readonly FileStream stream;
    readonly StreamWriter writer;
    readonly CsvText text;

    /// <summary>Opens a new file.</summary>
    /// <exception cref="DefinitionException">A column's type is not one of single values.</exception>
    public CsvTableFile(string path, Schema schema)
    {
        var nested = schema.FieldsList.Where(f => Columns.TypeOf(f.DataType) is null && f.DataType is not Apache.Arrow.Types.Decimal128Type).Select(f => $"{f.Name} ({LineageTypes.Text(f.DataType)})").ToArray();
        if (nested.Length > 0) throw new DefinitionException($"CSV can not carry these columns: {string.Join(", ", nested)}. Expected single values; write Parquet, or leave the columns out.");
        stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        text = new CsvText(writer);
        text.WriteNames(schema);
    }

    /// <inheritdoc/>
    public void Write(RecordBatch batch) => text.Write(batch);

    /// <inheritdoc/>
    public void Complete()
    {
        writer.Flush();
        stream.Flush(flushToDisk: true);
        writer.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();
}
