using System.Buffers.Binary;

namespace BatchMl.Spark.Worker;

/// <summary>The two facts about an Arrow message that are needed before its body is read. Its metadata is a flat buffer: a root table whose fields are found through a table of offsets (columnar format 1.5, Message.fbs).</summary>
static class ArrowMessage
{
    const int HeaderType = 1, BodyLength = 3;

    /// <summary>The message's kind, and its body's length in bytes as it says, not yet believed.</summary>
    internal static (int Kind, long Body) Read(ReadOnlySpan<byte> metadata)
    {
        try
        {
            var root = BinaryPrimitives.ReadInt32LittleEndian(metadata);
            var offsets = root - BinaryPrimitives.ReadInt32LittleEndian(metadata[root..]);
            var kind = Field(metadata, root, offsets, HeaderType);
            var body = Field(metadata, root, offsets, BodyLength);
            return (kind == 0 ? 0 : metadata[kind], body == 0 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(metadata[body..]));
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new ProtocolException("The metadata of an Arrow message point outside of it.", e);
        }
    }

    // Where a field's value is; 0: it has its default.
    static int Field(ReadOnlySpan<byte> metadata, int root, int offsets, int field)
    {
        var size = BinaryPrimitives.ReadUInt16LittleEndian(metadata[offsets..]);
        var at = 4 + 2 * field;
        var offset = at + 2 <= size ? BinaryPrimitives.ReadUInt16LittleEndian(metadata[(offsets + at)..]) : 0;
        return offset == 0 ? 0 : root + offset;
    }
}
