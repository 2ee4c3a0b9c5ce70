using System.Diagnostics;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>A file system of a few megabytes (tmpfs) that can be filled to the last byte or be made read-only. Needs the right to mount; without it the test is skipped.</summary>
sealed class SmallDisk : IDisposable
{
    readonly string folder;

    public SmallDisk(string folder, int megabytes)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        var (code, said) = OperatingSystem.IsLinux() ? Call("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder) : (1, "This is not Linux.");
        Shared.RequireOrSkip(code == 0, $"No file system can be mounted here: {said}");
    }

    string Ballast => Path.Combine(folder, "ballast");

    /// <summary>Leaves no space.</summary>
    public void Fill()
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var size in new[] { 1 << 16, 1 << 12, 1 })
        {
            try
            {
                while (true) file.Write(new byte[size]);
            }
            catch (IOException)
            {
                // Full, as far as so much does not fit any more.
            }
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Free() => File.Delete(Ballast);

    /// <summary>Leaves space for so much and no more.</summary>
    public void Leave(int kibibytes)
    {
        Fill();
        using var file = new FileStream(Ballast, FileMode.Open);
        file.SetLength(file.Length - ((long)kibibytes << 10));
    }

    /// <summary>Makes it read-only, or writable again. No file may be open for writing.</summary>
    public void ReadOnly(bool on) => Assert.Equal((0, ""), Call("mount", "-o", on ? "remount,ro" : "remount,rw", folder));

    static (int Code, string Said) Call(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said);
    }

    // Lazily: somebody may still have a file open.
    public void Dispose() => Call("umount", "-l", folder);
}
