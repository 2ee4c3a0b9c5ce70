using System.Security.Cryptography;

namespace BatchMl.Parquet;

/// <summary>A file being written from start to end, its digest taken on the way. The native writer turns an error of the disk into one of its own: the first is kept here.</summary>
sealed class HashingStream(Stream file) : Stream
{
    readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    long written;

    /// <summary>The first error of the file; null: none.</summary>
    public Exception? Failure { get; private set; }

    public string Sha256() => Convert.ToHexStringLower(hash.GetCurrentHash());

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => written;
    public override long Position { get => written; set => throw new NotSupportedException("Written from start to end only."); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            file.Write(buffer);
        }
        catch (Exception e)
        {
            Failure ??= e;
            throw;
        }
        hash.AppendData(buffer);
        written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // What matters is the fsync at completion.
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Written only.");
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("Written from start to end only.");
    public override void SetLength(long value) => throw new NotSupportedException("Written from start to end only.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
            hash.Dispose();
        }
        base.Dispose(disposing);
    }
}
