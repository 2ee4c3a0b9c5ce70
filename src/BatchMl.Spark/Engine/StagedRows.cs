using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Engine.Shuffle;

namespace BatchMl.Spark.Engine;

/// <summary>
/// Rows for the driver, as Arrow files in the staging folder: through Connect they would all be in the memory of Spark's driver first, which allows a gigabyte of them (<c>spark.driver.maxResultSize</c>). A task answers with a row for each
/// piece of the spine.
/// </summary>
static class StagedRows
{
    public const string Ddl = "piece BIGINT, file STRING";

    static readonly Schema schema = new([new Field("piece", Int64Type.Default, false), new Field("file", StringType.Default, false)], null);

    /// <summary>In a task: writes a file for each piece.</summary>
    public static async IAsyncEnumerable<RecordBatch> WriteAsync(string staging, IAsyncEnumerable<(long Piece, FeatureBatch Rows)> rows)
    {
        (long Piece, string Path, FileStream File, ArrowStreamWriter Writer)? open = null;
        try
        {
            await foreach (var (piece, batch) in rows)
            {
                using (batch)
                {
                    var packed = TravellingRows.Pack(batch);
                    if (open is { } before && before.Piece != piece)
                    {
                        yield return Close(before);
                        open = null;
                    }
                    open ??= Open(staging, piece, packed.Schema);
                    open.Value.Writer.WriteRecordBatch(packed);
                    GC.KeepAlive(packed);
                }
            }
            if (open is { } last)
            {
                yield return Close(last);
                open = null;
            }
        }
        finally
        {
            open?.File.Dispose();
        }
    }

    // A name of its own: what a lost or speculative attempt leaves is never taken up.
    static (long, string, FileStream, ArrowStreamWriter) Open(string staging, long piece, Schema schema)
    {
        var path = StagingFolder.OfAttempt(staging) + ".arrow";
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
        return (piece, path, file, new ArrowStreamWriter(file, schema, leaveOpen: true));
    }

    static RecordBatch Close((long Piece, string Path, FileStream File, ArrowStreamWriter Writer) open)
    {
        open.Writer.WriteEnd();
        open.Writer.Dispose();
        open.File.Dispose();
        return new RecordBatch(schema, [new Int64Array.Builder().Append(open.Piece).Build(), new StringArray.Builder().Append(open.Path).Build()], 1);
    }

    /// <summary>On the driver: the pieces of an answer.</summary>
    public static IEnumerable<(long Piece, string Path)> FromBatch(RecordBatch batch)
    {
        var (pieces, paths) = ((Int64Array)batch.Column(0), (StringArray)batch.Column(1));
        for (var i = 0; i < batch.Length; i++) yield return (pieces.Values[i], paths.GetString(i));
    }

    /// <summary>On the driver: the rows of a piece, whose file is then removed.</summary>
    /// <exception cref="DataException">The file is not there: the two processes do not see the same file system.</exception>
    public static async IAsyncEnumerable<FeatureBatch> ReadAsync(string path, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (!File.Exists(path)) throw new DataException($"{path}, which an executor wrote, is not to be seen from the driver. Expected the workspace in a folder that driver and executors share; choose such a one with --workspace.");
        using (var reader = new ArrowStreamReader(File.OpenRead(path), leaveOpen: false))
        {
            while (await reader.ReadNextRecordBatchAsync(cancel) is { } batch) yield return TravellingRows.Unpack(batch);
        }
        File.Delete(path);
    }
}
