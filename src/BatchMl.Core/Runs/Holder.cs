using System.Globalization;

namespace BatchMl.Runs;

/// <summary>
/// Names a process so that others can tell whether it still exists: machine, boot, process namespace, process id, start time. An observer on the same machine sees at once that a process was killed and
/// need not wait for its lease to expire. Linux only; elsewhere nothing is ever known to be gone, and leases expire by time.
/// </summary>
public static class Holder
{
    /// <summary>The name of this process.</summary>
    public static string Self() => NameOf(Environment.ProcessId);

    /// <summary>The name of a process of this machine.</summary>
    public static string NameOf(int process)
    {
        var (machine, boot, space) = Place();
        return string.Join('/', machine, boot, space, process.ToString(CultureInfo.InvariantCulture), StartOf(process) ?? "");
    }

    /// <summary>True only if the holder was a process of this machine and is known not to exist any more.</summary>
    public static bool IsGone(string holder)
    {
        var parts = holder.Split('/');
        var (machine, boot, space) = Place();
        if (parts.Length != 5 || boot.Length == 0 || parts[0] != machine) return false;
        if (parts[1] != boot) return true;
        // Process ids of another namespace (a container) mean nothing here.
        if (parts[2] != space || !int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var process)) return false;
        // A process id may have been given out again: then the start time differs.
        return StartOf(process) != parts[4];
    }

    static (string Machine, string Boot, string Space) Place() => (
        $"{Environment.MachineName}:{ReadLine("/etc/machine-id")}".Replace('/', '_'), ReadLine("/proc/sys/kernel/random/boot_id"),
        OperatingSystem.IsLinux() ? new FileInfo("/proc/self/ns/pid").LinkTarget?.Replace('/', '_') ?? "" : "");

    // Field 22 of /proc/PID/stat (proc(5)), counted after the command's closing parenthesis, which may hold anything. A zombie has exited: it holds nothing.
    static string? StartOf(int process)
    {
        var stat = ReadLine($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
        string[] fields = stat.Length == 0 ? [] : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
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
