using System.Runtime.InteropServices;

namespace BatchMl.Data;

/// <summary>Files that survive a crash: what .NET does not offer by itself on POSIX systems.</summary>
public static partial class DurableFiles
{
    /// <summary>Writes a file's data through to the disk.</summary>
    public static void FsyncFile(string path)
    {
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Writes a folder's entries through to the disk: only then are new names and renames durable.</summary>
    /// <exception cref="IOException">The folder can not be opened or synced.</exception>
    public static void FsyncFolder(string path)
    {
        // Windows has no such call and needs none: NTFS journals its names.
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"Folder {path} can not be opened to sync it (error {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Fsync(descriptor) != 0) throw new IOException($"Folder {path} can not be synced (error {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            Close(descriptor);
        }
    }

    /// <summary>Replaces a file's content by one rename: readers see the old or the new whole, also after a crash.</summary>
    public static void AtomicReplace(string path, ReadOnlySpan<byte> content)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(temporary, content);
            FsyncFile(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        FsyncFolder(Path.GetDirectoryName(path)!);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
