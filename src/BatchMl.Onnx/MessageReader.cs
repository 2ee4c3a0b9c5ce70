namespace BatchMl.Onnx;

/// <summary>Reads the fields of a protocol buffer message one after the other, where they lie (https://protobuf.dev/programming-guides/encoding/).</summary>
ref struct MessageReader(ReadOnlySpan<byte> message)
{
    ReadOnlySpan<byte> rest = message;

    /// <summary>The current field's number.</summary>
    public int Field { get; private set; }

    /// <summary>What a field of bytes, text or a message holds; empty for others.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>What a field of an integer holds; 0 for others.</summary>
    public ulong Number { get; private set; }

    /// <summary>Goes on to the next field; false: there is none.</summary>
    /// <exception cref="FormatException">The message is damaged.</exception>
    public bool Next()
    {
        if (rest.IsEmpty) return false;
        var tag = Varint();
        if (tag >> 3 is 0 or > 0x1fff_ffff) throw new FormatException($"it has a field {tag >> 3}");
        Field = (int)(tag >> 3);
        Content = default;
        Number = 0;
        switch (tag & 7)
        {
            case 0: Number = Varint(); break;
            case 1: Take(8); break;
            case 2: Content = Take(Varint()); break;
            case 5: Take(4); break;
            case var other: throw new FormatException($"field {Field} has the unknown wire type {other}");
        }
        return true;
    }

    /// <summary>The numbers of a packed field.</summary>
    /// <exception cref="FormatException">They are damaged.</exception>
    public static void Integers(ReadOnlySpan<byte> packed, List<long> to)
    {
        for (var numbers = new MessageReader(packed); !numbers.rest.IsEmpty;) to.Add((long)numbers.Varint());
    }

    ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)rest.Length) throw new FormatException($"field {Field} says {length} bytes where {rest.Length} are left");
        var taken = rest[..(int)length];
        rest = rest[(int)length..];
        return taken;
    }

    ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw new FormatException("it has a number of more than ten bytes");
    }
}
