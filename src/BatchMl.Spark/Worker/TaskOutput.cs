using System.Buffers.Binary;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Worker;

/// <summary>What a task answers, in the protocol's order: perhaps one Arrow stream, then times and the end, or an error.</summary>
sealed class TaskOutput(Stream stream)
{
    readonly BufferedStream buffered = new(stream, 128 << 10);
    ArrowStreamWriter? arrow;
    Schema? columns;
    string columnsText = "";
    Schema? wrapped;

    /// <summary>A write ended in the middle of something, so that nothing which follows could be understood.</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>Sends a batch, whose columns become one struct, and disposes it. The first begins the stream.</summary>
    internal async Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        try
        {
            RequireSameColumns(batch.Schema);
            var row = new StructArray(wrapped!.GetFieldByIndex(0).DataType, batch.Length, Enumerable.Range(0, batch.ColumnCount).Select(batch.Column), ArrowBuffer.Empty, 0);
            // Not disposed: the columns are the batch's.
            var rows = new RecordBatch(wrapped, [row], batch.Length);
            await SendAsync(async () =>
            {
                if (arrow is null)
                {
                    PutInt32(Codes.StartArrowStream);
                    arrow = new ArrowStreamWriter(buffered, wrapped, leaveOpen: true);
                }
                await arrow.WriteRecordBatchAsync(rows, cancel);
                GC.KeepAlive(rows);
                await buffered.FlushAsync(cancel);
            });
        }
        finally
        {
            batch.Dispose();
        }
    }

    /// <summary>Times, no accumulators, and the end of the task's data.</summary>
    internal Task WriteEndAsync(TaskTimes times, Version spark, CancellationToken cancel) => SendAsync(async () =>
    {
        await EndStreamAsync(cancel);
        PutInt32(Codes.TimingData);
        PutInt64(times.Begun);
        PutInt64(times.Ready);
        PutInt64(times.Finished);
        if (spark >= HeaderVersion.Spark42) PutInt64(times.Processing);
        // Memory and disk spilled.
        PutInt64(0);
        PutInt64(0);
        PutInt32(Codes.EndOfDataSection);
        PutInt32(0);
        await buffered.FlushAsync(cancel);
    });

    internal Task WriteCodeAsync(int code, CancellationToken cancel) => SendAsync(() =>
    {
        PutInt32(code);
        return buffered.FlushAsync(cancel);
    });

    /// <summary>An error's text, after the end of whatever stream was begun.</summary>
    internal Task WriteErrorAsync(string text, CancellationToken cancel) => SendAsync(async () =>
    {
        await EndStreamAsync(cancel);
        PutInt32(Codes.ExceptionThrown);
        PutText(text);
        await buffered.FlushAsync(cancel);
    });

    internal Task WriteTextAsync(string text, CancellationToken cancel) => SendAsync(() =>
    {
        PutText(text);
        return buffered.FlushAsync(cancel);
    });

    async Task EndStreamAsync(CancellationToken cancel)
    {
        if (arrow is null) return;
        await arrow.WriteEndAsync(cancel);
        arrow.Dispose();
        arrow = null;
    }

    /// <summary>The next task's stream has columns of its own.</summary>
    internal void Reset() => (columns, columnsText, wrapped) = (null, "", null);

    void RequireSameColumns(Schema schema)
    {
        if (ReferenceEquals(schema, columns)) return;
        var text = ReadableTypes.Text(schema);
        if (columns is null)
        {
            columnsText = text;
            wrapped = new Schema([new Field("_0", new StructType(schema.FieldsList), nullable: true)], null);
        }
        else if (text != columnsText)
        {
            throw new DataException($"A batch has columns of the types {text}, expected {columnsText}, those of the batches before it.");
        }
        columns = schema;
    }

    async Task SendAsync(Func<Task> send)
    {
        IsBroken = true;
        try
        {
            await send();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw new PeerClosedException(e);
        }
        IsBroken = false;
    }

    void PutText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        PutInt32(bytes.Length);
        buffered.Write(bytes);
    }

    void PutInt32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        buffered.Write(bytes);
    }

    void PutInt64(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        buffered.Write(bytes);
    }
}
