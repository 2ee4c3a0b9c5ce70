using System.Buffers.Binary;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Worker;

/// <summary>
/// A task's rows: an Arrow stream whose only column is a struct of the function's arguments, which are handed on as plain columns without copying them. Messages are cut here rather than by Arrow's own reader, which believes
/// their lengths; exactly the stream's bytes are consumed.
/// </summary>
sealed class ArrowInput
{
    const int LongestMetadata = 64 << 20;

    readonly WireReader wire;
    readonly ReadOnlyMemory<byte> schemaMessage;

    ArrowInput(WireReader wire, ReadOnlyMemory<byte> schemaMessage, StructType row)
    {
        (this.wire, this.schemaMessage) = (wire, schemaMessage);
        Schema = new Schema(row.Fields, null);
    }

    /// <summary>The function's arguments.</summary>
    internal Schema Schema { get; }

    /// <summary>Reads the stream's schema.</summary>
    internal static async Task<ArrowInput> OpenAsync(WireReader wire, CancellationToken cancel)
    {
        var message = await MessageAsync(wire, ReadOnlyMemory<byte>.Empty, ArrowMessage.Schema, cancel) ?? throw new ProtocolException("The task's data ends before its schema.");
        var schema = Decode(() =>
        {
            using var reader = new ArrowStreamReader(message);
            return reader.Schema;
        });
        return schema.FieldsList is [{ DataType: StructType row }]
            ? new ArrowInput(wire, message, row)
            : throw new ProtocolException($"The task's data has the columns {string.Join(", ", schema.FieldsList.Select(f => $"{f.Name}: {f.DataType.Name}"))}, expected one struct of the function's arguments.");
    }

    /// <summary>The next batch, which the caller owns; null when the end marker was read.</summary>
    internal async Task<RecordBatch?> NextAsync(CancellationToken cancel)
    {
        // Schema and batch in one piece of memory are a stream that Arrow reads without copying. The garbage collector owns it, so that columns which someone still shares stay whole when the batch is disposed.
        var message = await MessageAsync(wire, schemaMessage, ArrowMessage.Batch, cancel);
        return message is null ? null : Decode(() =>
        {
            using var reader = new ArrowStreamReader(message);
            var rows = reader.ReadNextRecordBatch() ?? throw new InvalidDataException("There is no batch in the message.");
            ArrowChecks.Check(rows);
            var row = (StructArray)rows.Column(0);
            return row.NullCount == 0 ? new RecordBatch(Schema, row.Fields, rows.Length) : throw new InvalidDataException("The struct of the function's arguments is null in places.");
        });
    }

    // Prefix, length, metadata and body of the next message behind what is given; null at the end marker.
    static async Task<byte[]?> MessageAsync(WireReader wire, ReadOnlyMemory<byte> before, int kind, CancellationToken cancel)
    {
        var mark = await wire.ArrowInt32Async(cancel);
        if (mark != -1) throw new ProtocolException($"An Arrow message begins with 0x{mark:X8}, expected 0xFFFFFFFF.");
        var length = await wire.ArrowInt32Async(cancel);
        if (length == 0) return null;
        if (length is < 0 or > LongestMetadata) throw new ProtocolException($"An Arrow message has {length:N0} bytes of metadata, expected {LongestMetadata:N0} at most.");
        var head = new byte[before.Length + 8];
        before.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(before.Length), -1);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(before.Length + 4), length);
        var withMetadata = await wire.BytesAsync(head, length, cancel);
        var (got, body) = ArrowMessage.Read(withMetadata.AsSpan(head.Length));
        if (got != kind) throw new ProtocolException($"An Arrow message is of kind {got}, expected {kind} (1 schema, 2 dictionary, 3 batch of rows).");
        if (body < 0 || body > System.Array.MaxLength - withMetadata.Length) throw new ProtocolException($"An Arrow message has a body of {body:N0} bytes, expected less than 2 GiB. Lower spark.sql.execution.arrow.maxRecordsPerBatch.");
        return body == 0 ? withMetadata : await wire.BytesAsync(withMetadata, (int)body, cancel);
    }

    // Arrow's reader fails in many ways on bytes that are damaged.
    static T Decode<T>(Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (Exception e)
        {
            throw new ProtocolException($"The task's data can not be read as Arrow: {e.Message} If it is compressed, set spark.sql.execution.arrow.compression.codec=none.", e);
        }
    }
}
