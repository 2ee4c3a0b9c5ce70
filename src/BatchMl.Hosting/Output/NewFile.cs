using BatchMl.Data;

namespace BatchMl.Hosting.Output;

/// <summary>Files that verbs write: whole or not at all.</summary>
static class NewFile
{
    /// <summary>Has a file written under a temporary name beside it, and renames it.</summary>
    /// <exception cref="BatchMlException">The place can not be written to; the file is as it was.</exception>
    public static async Task WriteAsync(string path, Func<string, Task> write)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.tmp-{Environment.ProcessId}");
        try
        {
            File.Delete(temporary);
            await write(temporary);
            File.Move(temporary, path, overwrite: true);
            DurableFiles.FsyncFolder(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{path} can not be written: {e.Message} Expected a folder that exists, may be written to and has free space.", FailureKind.Permanent, e);
        }
        finally
        {
            if (File.Exists(temporary)) File.Delete(temporary);
        }
    }
}
