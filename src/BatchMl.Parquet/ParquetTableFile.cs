using Apache.Arrow;
using BatchMl.Data;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>Rows as one Parquet file.</summary>
public sealed class ParquetTableFile : ITableFile
{
    readonly FileStream stream;
    readonly FileWriter writer;
    bool closed;

    /// <summary>Opens a new file.</summary>
    /// <exception cref="DefinitionException">Parquet has no such type as a column's.</exception>
    public ParquetTableFile(string path, Schema schema)
    {
        stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        try
        {
            writer = ParquetFile.Writer(stream, schema, forOtherReaders: false);
        }
        catch (Exception e)
        {
            stream.Dispose();
            if (e is IOException) throw;
            throw new DefinitionException($"The rows can not be written as Parquet: {e.Message} Expected columns of other types; convert or leave out.");
        }
    }

    /// <inheritdoc/>
    public void Write(RecordBatch batch) => writer.WriteBufferedRecordBatch(batch);

    /// <inheritdoc/>
    public void Complete()
    {
        writer.Close();
        Close();
        stream.Flush(flushToDisk: true);
        stream.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Close();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // An abandoned file has no footer to lose.
        }
        stream.Dispose();
    }

    void Close()
    {
        if (closed) return;
        closed = true;
        writer.Dispose();
    }
}
