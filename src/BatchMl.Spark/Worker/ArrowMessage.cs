using System.Buffers.Binary;

namespace BatchMl.Spark.Worker;

/// <summary>
/// What has to be known about an Arrow message before its body is read, or its metadata are given to Arrow's reader, which would follow a damaged schema that contains itself until the stack ends. Metadata are a flat buffer:
/// tables whose fields are found through tables of offsets (Arrow's columnar format 1.5: Message.fbs and Schema.fbs).
/// </summary>
static class ArrowMessage
{
    const int HeaderType = 1, Header = 2, BodyLength = 3, SchemaFields = 1, FieldChildren = 5;
    const int DeepestField = 100, MostFields = 100_000;

    internal const int Schema = 1, Batch = 3;

    /// <summary>The message's kind, and its body's length in bytes as it says, not yet believed.</summary>
    /// <exception cref="ProtocolException">The metadata point outside of themselves, or are a schema of more fields than any table has.</exception>
    internal static (int Kind, long Body) Read(ReadOnlySpan<byte> metadata)
    {
        try
        {
            var message = new Table(metadata, Table.Follow(metadata, 0));
            var (kind, body) = (message.Field(HeaderType), message.Field(BodyLength));
            if (kind > 0 && metadata[kind] == Schema)
            {
                var left = MostFields;
                CheckFields(metadata, new Table(metadata, Table.Follow(metadata, message.Field(Header))).Field(SchemaFields), DeepestField, ref left);
            }
            return (kind == 0 ? 0 : metadata[kind], body == 0 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(metadata[body..]));
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new ProtocolException("The metadata of an Arrow message point outside of themselves.", e);
        }
    }

    static void CheckFields(ReadOnlySpan<byte> metadata, int vector, int depth, ref int left)
    {
        if (vector == 0) return;
        var first = Table.Follow(metadata, vector);
        var count = BinaryPrimitives.ReadInt32LittleEndian(metadata[first..]);
        left -= count;
        if (count < 0 || left < 0 || depth == 0) throw new ProtocolException($"An Arrow schema has more than {MostFields:N0} fields, or fields more than {DeepestField} deep.");
        for (var i = 1; i <= count; i++) CheckFields(metadata, new Table(metadata, Table.Follow(metadata, first + 4 * i)).Field(FieldChildren), depth - 1, ref left);
    }

    readonly ref struct Table(ReadOnlySpan<byte> metadata, int at)
    {
        readonly ReadOnlySpan<byte> metadata = metadata;

        /// <summary>Where an offset leads that stands at a position.</summary>
        internal static int Follow(ReadOnlySpan<byte> metadata, int position) => checked(position + BinaryPrimitives.ReadInt32LittleEndian(metadata[position..]));

        /// <summary>Where a field's value is; 0: it has its default.</summary>
        internal int Field(int number)
        {
            var offsets = checked(at - BinaryPrimitives.ReadInt32LittleEndian(metadata[at..]));
            var size = BinaryPrimitives.ReadUInt16LittleEndian(metadata[offsets..]);
            var entry = 4 + 2 * number;
            var offset = entry + 2 <= size ? BinaryPrimitives.ReadUInt16LittleEndian(metadata[(offsets + entry)..]) : 0;
            return offset == 0 ? 0 : at + offset;
        }
    }
}
