using System.Buffers.Binary;
using System.Security.Cryptography;
using BatchMl.Data;
using Microsoft.Win32.SafeHandles;

namespace BatchMl.Parquet;

/// <summary>A Parquet file that stays open, so that what is read is what was pinned even when the path gets another file.</summary>
sealed class PinnedFile : IDisposable
{
    static readonly byte[] Magic = "PAR1"u8.ToArray();

    readonly SafeFileHandle handle;

    PinnedFile(SafeFileHandle handle, SourceFile identity) => (this.handle, Identity) = (handle, identity);

    public SourceFile Identity { get; }

    /// <summary>Opens a file and takes its identity from size, time and footer, after checking that it has one: the native reader never sees anything else.</summary>
    public static PinnedFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var size = RandomAccess.GetLength(handle);
            var modified = new DateTimeOffset(File.GetLastWriteTimeUtc(handle), TimeSpan.Zero);
            return new PinnedFile(handle, new SourceFile(path, size, modified, FooterDigest(handle, path, size)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            handle?.Dispose();
            throw new DataException($"{path} can not be opened: {e.Message} Expected a readable Parquet file; check where the source is bound.", e);
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    static string FooterDigest(SafeFileHandle handle, string path, long size)
    {
        Span<byte> head = stackalloc byte[4];
        Span<byte> tail = stackalloc byte[8];
        if (size >= 12)
        {
            RandomAccess.Read(handle, head, 0);
            RandomAccess.Read(handle, tail, size - 8);
        }
        if (size < 12 || !head.SequenceEqual(Magic) || !tail[4..].SequenceEqual(Magic))
        {
            throw new DataException($"{path} is not a Parquet file, or was cut off: it has {size} bytes and does not begin and end with PAR1. Expected a complete Parquet file; copy it again, or bind the source elsewhere.");
        }
        var length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (length <= 0 || length > size - 12)
        {
            throw new DataException($"{path} has a corrupt footer: its length field says {length} bytes in a file of {size}. Copy the file again, or bind the source elsewhere.");
        }
        var footer = new byte[length];
        RandomAccess.Read(handle, footer, size - 8 - length);
        return Convert.ToHexStringLower(SHA256.HashData(footer));
    }

    /// <summary>A stream of its own over the open file, for one reader.</summary>
    public Stream NewStream() => new HandleStream(handle, Identity.Size);

    /// <summary>Throws if the path no longer has the file that was opened.</summary>
    public void Verify()
    {
        var now = new FileInfo(Identity.Path);
        var changed = !now.Exists ? "it is gone"
            : now.Length != Identity.Size ? $"it had {Identity.Size} bytes and now has {now.Length}"
            : new DateTimeOffset(now.LastWriteTimeUtc, TimeSpan.Zero) != Identity.Modified ? $"it was written to again at {now.LastWriteTimeUtc:O}"
            : RandomAccess.GetLength(handle) != Identity.Size ? "it was cut or appended to" : null;
        if (changed is not null)
        {
            throw new InputChangedException($"{Identity.Path} changed while it was being read: {changed}. What was computed from it is not committed; the attempt is repeated on the new file.");
        }
    }

    public void Dispose() => handle.Dispose();

    /// <summary>A seekable, read-only view that shares the handle: reads are positional, so views do not disturb each other.</summary>
    sealed class HandleStream(SafeFileHandle handle, long length) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => length;
        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var read = RandomAccess.Read(handle, buffer, Position);
            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => length + offset,
        };

        public override void Flush() { }
        public override void SetLength(long value) => throw new NotSupportedException("The file is pinned and read only.");
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The file is pinned and read only.");
    }
}
