using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using BatchMl.Data;
using Microsoft.Win32.SafeHandles;

namespace BatchMl.Parquet;

/// <summary>A Parquet file that stays open, so that what is read is what was pinned even when the path gets another file.</summary>
sealed class PinnedFile : IDisposable
{
    const int MagicBytes = 4;
    const int TailBytes = MagicBytes + sizeof(int);

    readonly SafeFileHandle handle;
    readonly StagedFile? published;
    readonly Lock gate = new();
    bool isWhole;

    PinnedFile(SafeFileHandle handle, SourceFile identity, StagedFile? published) => (this.handle, Identity, this.published) = (handle, identity, published);

    public SourceFile Identity { get; }

    public string Path => Identity.Path;

    /// <summary>Opens a file and takes its identity from size, time and footer, after checking that it has one: the native reader never sees anything else.</summary>
    /// <param name="path">The file.</param>
    /// <param name="published">What its partition's manifest says of it; null: it is not ours.</param>
    /// <exception cref="DataException">The file is missing, unreadable or not Parquet, or has another size or footer than its manifest says.</exception>
    public static PinnedFile Open(string path, StagedFile? published = null)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
            var size = RandomAccess.GetLength(handle);
            var modified = new DateTimeOffset(File.GetLastWriteTimeUtc(handle), TimeSpan.Zero);
            if (published is not null && size != published.Bytes) throw Damaged(path, $"has {size} bytes; expected {published.Bytes}");
            var footer = FooterDigest(handle, path, size);
            if (published?.Footer is { } expected && footer != expected) throw Damaged(path, $"has a footer of digest {footer}; expected {expected}");
            return new PinnedFile(handle, new SourceFile(path, size, modified, footer), published);
        }
        catch (Exception e)
        {
            handle?.Dispose();
            if (e is not (IOException or UnauthorizedAccessException)) throw;
            throw new DataException($"{path} can not be opened: {e.Message} Expected a readable Parquet file; check where the source is bound.", e);
        }
    }

    static string FooterDigest(SafeFileHandle handle, string path, long size)
    {
        Span<byte> head = stackalloc byte[MagicBytes];
        Span<byte> tail = stackalloc byte[TailBytes];
        if (size >= MagicBytes + TailBytes)
        {
            ReadFully(handle, head, 0, path);
            ReadFully(handle, tail, size - TailBytes, path);
        }
        if (head.SequenceEqual("PAR1"u8) && tail[sizeof(int)..].SequenceEqual("PARE"u8) || head.SequenceEqual("PARE"u8))
            throw new DataException($"{path} is an encrypted Parquet file. Expected a plain one; decrypt it first.");
        if (size < MagicBytes + TailBytes || !head.SequenceEqual("PAR1"u8) || !tail[sizeof(int)..].SequenceEqual("PAR1"u8))
        {
            throw new DataException($"{path} is not a Parquet file, or was cut off: got {size} bytes that do not begin and end with PAR1. "
                + "Expected a complete Parquet file; copy it again, or bind the source elsewhere.");
        }
        var length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (length <= 0 || length > size - MagicBytes - TailBytes)
        {
            throw new DataException($"{path} has a corrupt footer: its length field says {length} bytes, in a file of {size}. Expected at most {size - MagicBytes - TailBytes}. "
                + "Copy the file again, or bind the source elsewhere.");
        }
        var footer = new byte[length];
        ReadFully(handle, footer, size - TailBytes - length, path);
        return Convert.ToHexStringLower(SHA256.HashData(footer));
    }

    static void ReadFully(SafeFileHandle handle, Span<byte> buffer, long offset, string path)
    {
        while (!buffer.IsEmpty)
        {
            var read = RandomAccess.Read(handle, buffer, offset);
            if (read == 0) throw new InputChangedException($"{path} became shorter while it was being opened: nothing at byte {offset}. The attempt is repeated on the new file.");
            buffer = buffer[read..];
            offset += read;
        }
    }

    /// <summary>Holds all bytes against the manifest's digest, the first time. (Page checksums leave out the pages' own headers.) Nothing to do for a file that is not ours.</summary>
    /// <exception cref="DataException">They are others.</exception>
    public void VerifyContent()
    {
        if (published is null) return;
        lock (gate)
        {
            if (isWhole) return;
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
            try
            {
                int read;
                for (long at = 0; (read = RandomAccess.Read(handle, buffer, at)) > 0; at += read) hash.AppendData(buffer.AsSpan(0, read));
            }
            catch (IOException e)
            {
                throw new DataException($"{Path} can not be read: {e.Message} Restore the file, or make the partition again (replay).", e);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            var got = Convert.ToHexStringLower(hash.GetHashAndReset());
            if (got != published.Sha256) throw Damaged(Path, $"has SHA-256 {got}; expected {published.Sha256}");
            isWhole = true;
        }
    }

    static DataException Damaged(string path, string what) => new($"{path} {what}, as its manifest says. The file is damaged or was replaced: restore it, or make the partition again (replay).");

    /// <summary>A stream of its own over the open file, for one reader.</summary>
    public Stream NewStream() => new HandleStream(handle, Identity.Size);

    /// <summary>Throws if the path no longer has the file that was opened, or it was written to.</summary>
    public void Verify()
    {
        var changed = Change();
        if (changed is not null)
            throw new InputChangedException($"{Path} changed while it was being read: {changed}. What was computed from it is not committed; the attempt is repeated on the new file.");
    }

    string? Change()
    {
        try
        {
            using var now = Open(Path);
            return now.Identity.Size != Identity.Size ? $"it had {Identity.Size} bytes and now has {now.Identity.Size}"
                : now.Identity.Modified != Identity.Modified ? $"it was last modified at {Identity.Modified:O} and now at {now.Identity.Modified:O}"
                : now.Identity.Digest != Identity.Digest ? "it has another footer"
                : null;
        }
        catch (BatchMlException e)
        {
            return e.Message;
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
