using System.Globalization;

namespace BatchMl.Runs;

/// <summary>
/// Who holds a lease: machine, boot, process namespace, process id and its start time. An observer on the same machine sees at once that a process was killed, and need not wait for its lease to expire.
/// </summary>
static class Holder
{
    /// <summary>This process.</summary>
    public static string Self { get; } = string.Join('/', Place, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), StartOf(Environment.ProcessId) ?? "0");

    /// <summary>True only if the holder was a process of this machine, boot and namespace that no longer exists.</summary>
    public static bool IsGone(string holder)
    {
        var parts = holder.Split('/');
        if (parts.Length != 5 || string.Join('/', parts[..3]) != Place || parts[1] == "" || !int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) return false;
        // A process id may have been given out again: then the start time differs.
        return StartOf(pid) != parts[4];
    }

    static string Place => field ??= string.Join('/', Environment.MachineName.Replace('/', '_'), ReadLine("/proc/sys/kernel/random/boot_id"), Namespace());

    static string Namespace()
    {
        try
        {
            return new FileInfo("/proc/self/ns/pid").LinkTarget?.Replace('/', '_') ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    // Field 22 of stat, counted after the command's closing parenthesis, which may hold anything. A zombie has exited: it holds nothing.
    static string? StartOf(int pid)
    {
        var stat = ReadLine($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
        var fields = stat.Length == 0 ? [] : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields.Length > 19 && fields[0] is not ("Z" or "X") ? fields[19] : null;
    }

    static string ReadLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
