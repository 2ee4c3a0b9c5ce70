using System.Buffers.Binary;
using System.Text;

namespace BatchMl.Spark.Worker;

/// <summary>
/// Reads what the JVM sends: integers big-endian, strings as length and UTF-8. No length is believed: memory grows only as bytes arrive, and what a task's header may take in all is limited.
/// </summary>
sealed class WireReader(Stream stream)
{
    // Allocated at once; more only when this much has really arrived.
    const int FirstStep = 16 << 20;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly byte[] buffer = new byte[64 << 10];
    int start;
    int end;

    /// <summary>Bytes that may still be read; reading more is an error. Set before a part whose size is limited.</summary>
    internal long Budget { get; set; } = long.MaxValue;

    /// <summary>Whether there is another byte; false at the end of the stream. Consumes nothing.</summary>
    internal async ValueTask<bool> MoreAsync(CancellationToken cancel)
    {
        if (start < end) return true;
        start = 0;
        end = await ReceiveAsync(buffer, cancel);
        return end > 0;
    }

    /// <summary>The next bytes without consuming them; at most as many as the buffer holds.</summary>
    internal async ValueTask<ReadOnlyMemory<byte>> PeekAsync(int count, CancellationToken cancel)
    {
        if (end - start < count)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
            while (end < count)
            {
                var got = await ReceiveAsync(buffer.AsMemory(end), cancel);
                if (got == 0) throw new PeerClosedException();
                end += got;
            }
        }
        return buffer.AsMemory(start, count);
    }

    internal async ValueTask<bool> BooleanAsync(CancellationToken cancel)
    {
        var value = (await TakeAsync(1, cancel)).Span[0];
        return value <= 1 ? value == 1 : throw new ProtocolException($"A flag is {value}, expected 0 or 1: the header has another layout than the one it is read by.");
    }

    internal async ValueTask<int> Int32Async(CancellationToken cancel) => BinaryPrimitives.ReadInt32BigEndian((await TakeAsync(4, cancel)).Span);

    internal async ValueTask<long> Int64Async(CancellationToken cancel) => BinaryPrimitives.ReadInt64BigEndian((await TakeAsync(8, cancel)).Span);

    /// <summary>Arrow's own integers, which are little-endian.</summary>
    internal async ValueTask<int> ArrowInt32Async(CancellationToken cancel) => BinaryPrimitives.ReadInt32LittleEndian((await TakeAsync(4, cancel)).Span);

    internal async ValueTask<string> StringAsync(CancellationToken cancel)
    {
        var bytes = await LengthAndBytesAsync(cancel);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new ProtocolException("A text of the header is not UTF-8: the header has another layout than the one it is read by.", e);
        }
    }

    internal async ValueTask<byte[]> LengthAndBytesAsync(CancellationToken cancel) => await BytesAsync(ReadOnlyMemory<byte>.Empty, await Int32Async(cancel), cancel);

    /// <summary>As many elements as an integer before them says.</summary>
    internal async ValueTask<int> CountAsync(string what, CancellationToken cancel)
    {
        var count = await Int32Async(cancel);
        return count >= 0 ? count : throw new ProtocolException($"The number of {what} is {count}, expected 0 or more.");
    }

    /// <summary>An array that begins with <paramref name="prefix"/> and goes on with the next <paramref name="length"/> bytes.</summary>
    internal async ValueTask<byte[]> BytesAsync(ReadOnlyMemory<byte> prefix, int length, CancellationToken cancel)
    {
        Spend(length);
        var total = checked(prefix.Length + length);
        var bytes = GC.AllocateUninitializedArray<byte>(Math.Min(total, prefix.Length + FirstStep));
        prefix.CopyTo(bytes);
        var filled = prefix.Length;
        while (filled < total)
        {
            if (filled == bytes.Length)
            {
                var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(total, 2L * bytes.Length));
                bytes.CopyTo(larger, 0);
                bytes = larger;
            }
            filled += await ReadAsync(bytes.AsMemory(filled), cancel);
        }
        return bytes;
    }

    /// <summary>Reads and forgets everything up to the end: closing with unread input would reset the connection, and what was written last could be lost with it.</summary>
    internal async Task DrainAsync(CancellationToken cancel)
    {
        do start = end;
        while (await MoreAsync(cancel));
    }

    async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancel)
    {
        int count;
        if (start < end)
        {
            count = Math.Min(target.Length, end - start);
            buffer.AsSpan(start, count).CopyTo(target.Span);
            start += count;
            return count;
        }
        count = await ReceiveAsync(target, cancel);
        return count > 0 ? count : throw new PeerClosedException();
    }

    async ValueTask<ReadOnlyMemory<byte>> TakeAsync(int count, CancellationToken cancel)
    {
        Spend(count);
        var bytes = await PeekAsync(count, cancel);
        start += count;
        return bytes;
    }

    async ValueTask<int> ReceiveAsync(Memory<byte> target, CancellationToken cancel)
    {
        try
        {
            return await stream.ReadAsync(target, cancel);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw new PeerClosedException(e);
        }
    }

    void Spend(int count)
    {
        if (count < 0) throw new ProtocolException($"A length is {count}, expected 0 or more.");
        if (count > Budget) throw new ProtocolException($"A length of {count:N0} bytes goes beyond what is allowed here, of which {Budget:N0} are left.");
        Budget -= count;
    }
}
