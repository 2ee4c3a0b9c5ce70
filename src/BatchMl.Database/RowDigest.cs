using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace BatchMl.Database;

/// <summary>SHA-256 of rows, value by value. A null, a number and a text with its length begin differently, so that no two rows are the same bytes.</summary>
sealed class RowDigest : IDisposable
{
    const int Block = 1 << 16;

    readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    readonly ArrayBufferWriter<byte> pending = new(Block);

    public void AddNull() => Add(tag: 0, []);

    public void Add(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        Add(tag: 1, bytes);
    }

    /// <returns>The text in UTF-8, until the next value is added.</returns>
    public ReadOnlySpan<byte> Add(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        Add(tag: 2, bytes);
        var utf8 = pending.GetSpan(length);
        pending.Advance(Encoding.UTF8.GetBytes(text, utf8));
        return utf8[..length];
    }

    void Add(byte tag, ReadOnlySpan<byte> rest)
    {
        if (pending.WrittenCount >= Block) Flush();
        var to = pending.GetSpan(1 + rest.Length);
        to[0] = tag;
        rest.CopyTo(to[1..]);
        pending.Advance(1 + rest.Length);
    }

    void Flush()
    {
        hash.AppendData(pending.WrittenSpan);
        pending.ResetWrittenCount();
    }

    /// <summary>The digest of the rows, and of the text, which says what their columns are. Begins anew.</summary>
    public byte[] Finish(string columns)
    {
        Flush();
        hash.AppendData(Encoding.UTF8.GetBytes(columns));
        return hash.GetHashAndReset();
    }

    /// <inheritdoc/>
    public void Dispose() => hash.Dispose();
}
