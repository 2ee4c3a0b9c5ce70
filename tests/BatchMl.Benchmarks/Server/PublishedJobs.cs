using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace BatchMl.Benchmarks.Server;

/// <summary>The jobs program as it is published, with a workspace in which <c>flight-delays</c> is done.</summary>
/// <param name="Program">Its executable.</param>
/// <param name="Workspace">The workspace.</param>
sealed record PublishedJobs(string Program, string Workspace)
{
    /// <summary>Publishes it, and runs the job.</summary>
    public static PublishedJobs Make(string folder)
    {
        Run("dotnet", "publish", Path.Combine(Repository(), "jobs"), "-c", "Release", "-o", Path.Combine(folder, "program"), "--nologo", "-v", "q");
        var made = new PublishedJobs(Path.Combine(folder, "program", "BatchMl.Jobs"), Path.Combine(folder, "workspace"));
        Run(made.Program, "run", "flight-delays", "--workspace", made.Workspace);
        return made;
    }

    /// <summary>Runs a program to its end.</summary>
    public static void Run(string program, params string[] args)
    {
        using var child = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = child.StandardError.ReadToEndAsync();
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        if (child.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', args)} ended with {child.ExitCode}:\n{output}{error.Result}");
    }

    static string Repository([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
