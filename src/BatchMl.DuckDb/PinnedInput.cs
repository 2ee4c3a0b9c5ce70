using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Data;
using Microsoft.Win32.SafeHandles;

namespace BatchMl.DuckDb;

/// <summary>
/// A file that stays open and is read through its descriptor, so that what is read is what was pinned. Its identity is size, time of modification and its two ends: enough to notice a change without reading
/// it all.
/// </summary>
sealed class PinnedInput : IDisposable
{
    const int EndBytes = 65_536;

    readonly SafeFileHandle handle;
    readonly string salt;

    PinnedInput(SafeFileHandle handle, SourceFile identity, string salt) => (this.handle, Identity, this.salt) = (handle, identity, salt);

    public SourceFile Identity { get; }

    public string Path => Identity.Path;

    /// <summary>A path that leads to the open file, whatever its own path has become.</summary>
    public string DescriptorPath => $"{(OperatingSystem.IsLinux() ? "/proc/self/fd" : "/dev/fd")}/{handle.DangerousGetHandle()}";

    /// <param name="path">The file.</param>
    /// <param name="salt">What else the rows depend on, e.g. column types or a query.</param>
    /// <exception cref="DataException">The file is missing or unreadable.</exception>
    public static PinnedInput Open(string path, string salt)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var size = RandomAccess.GetLength(handle);
            var modified = new DateTimeOffset(File.GetLastWriteTimeUtc(handle), TimeSpan.Zero);
            return new PinnedInput(handle, new SourceFile(path, size, modified, Digest(handle, size, modified, salt)), salt);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            handle?.Dispose();
            throw new DataException($"{path} can not be opened: {e.Message} Expected a readable file; check where the source is bound.", e);
        }
    }

    static string Digest(SafeFileHandle handle, long size, DateTimeOffset modified, string salt)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> numbers = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, size);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], modified.UtcTicks);
        hash.AppendData(numbers);
        var end = new byte[EndBytes];
        hash.AppendData(end.AsSpan(0, RandomAccess.Read(handle, end, 0)));
        hash.AppendData(end.AsSpan(0, RandomAccess.Read(handle, end, Math.Max(0, size - EndBytes))));
        hash.AppendData(Encoding.UTF8.GetBytes(salt));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Throws if the path no longer has the file that was opened, or it was written to.</summary>
    public void Verify()
    {
        string? changed;
        try
        {
            using var now = Open(Path, salt);
            changed = now.Identity.Size != Identity.Size ? $"it had {Identity.Size} bytes and now has {now.Identity.Size}"
                : now.Identity.Modified != Identity.Modified ? $"it was last modified at {Identity.Modified:O} and now at {now.Identity.Modified:O}"
                : now.Identity.Digest != Identity.Digest ? "it has other content"
                : null;
        }
        catch (DataException e)
        {
            changed = e.Message;
        }
        if (changed is not null)
            throw new InputChangedException($"{Path} changed while it was being read: {changed}. What was computed from it is not committed; the attempt is repeated on the new file.");
    }

    public void Dispose() => handle.Dispose();
}
