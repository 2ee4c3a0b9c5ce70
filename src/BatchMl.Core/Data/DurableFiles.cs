using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace BatchMl.Data;

/// <summary>
/// Files that survive a power cut: contents and folder entries are fsynced, replacement is one rename. Needs a local POSIX file system (Linux, macOS):
/// a folder's entries are made durable by fsync on the folder itself, for which .NET has no call of its own.
/// </summary>
public static partial class DurableFiles
{
    /// <summary>Makes a folder and those above it that are missing; the new entries are durable on return.</summary>
    /// <exception cref="IOException">It can not be made, or not be synced.</exception>
    /// <exception cref="UnauthorizedAccessException">The place is not writable.</exception>
    public static void CreateFolder(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var made = new Stack<string>();
        for (var at = full; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at)) made.Push(at);
        Directory.CreateDirectory(full);
        foreach (var each in made) FsyncFolder(Path.GetDirectoryName(each)!);
    }

    /// <summary>Removes a folder and all that is in it, if it is there; other processes may be removing it too.</summary>
    /// <exception cref="IOException">It can not be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">The place is not writable.</exception>
    public static void RemoveFolder(string folder)
    {
        while (Directory.Exists(folder))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
            {
                // Somebody else was faster with a part of it.
            }
        }
    }

    /// <summary>The folders in a folder; none if it is not there, or not any more.</summary>
    public static IReadOnlyList<string> FoldersIn(string folder)
    {
        try
        {
            return Directory.GetDirectories(folder);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>Writes a new file or overwrites one; its contents are durable on return, its folder entry after <see cref="FsyncFolder"/>.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Makes the contents of an existing file durable.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void FsyncFile(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Makes a folder's entries durable: files created, renamed or removed in it.</summary>
    /// <exception cref="IOException">The folder is missing or can not be synced.</exception>
    public static void FsyncFolder(string folder)
    {
        // O_CLOEXEC; O_RDONLY is 0 everywhere.
        var fd = Open(folder, OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000);
        if (fd < 0) throw Failed("opened for fsync", folder);
        try
        {
            if (Fsync(fd) != 0) throw Failed("fsynced", folder);
        }
        finally
        {
            _ = Close(fd);
        }
    }

    /// <summary>
    /// Replaces a file in one step: readers see the old content or the new, also after a crash. The new content is first written to
    /// <c>PATH.tmp-TAG</c>, which is all that a crash can leave behind; on return content and folder entry are durable.
    /// </summary>
    /// <param name="path">The file, existing or not; its folder exists.</param>
    /// <param name="content">All of its new content.</param>
    /// <param name="tag">Tells concurrent writers apart, e.g. a fence token; by default the process id.</param>
    /// <exception cref="IOException">The disk is full or failed; the file is as it was.</exception>
    public static void AtomicReplace(string path, ReadOnlySpan<byte> content, string? tag = null)
    {
        var temporary = $"{path}.tmp-{tag ?? Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";
        Write(temporary, content);
        File.Move(temporary, path, overwrite: true);
        FsyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Gives a file a second name on the same file system.</summary>
    /// <exception cref="IOException">It can not be given one.</exception>
    public static void Link(string file, string name)
    {
        if (HardLink(file, name) != 0) throw Failed("get a second name for", file);
    }

    static IOException Failed(string what, string folder) =>
        new($"{folder} can not be {what}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}. Expected a folder on a local POSIX file system.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Fsync(int fd);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int HardLink(string file, string name);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int fd);
}
