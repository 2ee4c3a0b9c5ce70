using System.Runtime.CompilerServices;
using BatchMl.Hosting;

namespace BatchMl.Testing;

/// <summary>What <c>plan</c> says of a job in an empty workspace, kept in a file, see <see cref="GoldenText"/>: sources, features, conventions, partitions. No row is moved.</summary>
public static class GoldenPlan
{
    /// <summary>Expects a job's plan to be that of a file.</summary>
    /// <param name="application">The program.</param>
    /// <param name="job">Name of the job.</param>
    /// <param name="path">The file; a relative path is relative to the source file of the test.</param>
    /// <param name="cancel">Stops planning.</param>
    /// <param name="caller">The source file of the test; the compiler gives it.</param>
    /// <exception cref="TestFailedException">There is no plan, with what is wrong; or it is another: says where they differ.</exception>
    public static async Task CheckAsync(BatchMlApplication application, string job, string path, CancellationToken cancel = default, [CallerFilePath] string caller = "")
    {
        var workspace = Directory.CreateTempSubdirectory("golden-plan-").FullName;
        try
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            var code = await (application with { Out = output, Error = error }).RunAsync(["plan", job, "--workspace", workspace], cancel);
            if (code != ExitCodes.Done) throw new TestFailedException($"'plan {job}' ended with exit code {code}; expected a plan. It said: {error.ToString().TrimEnd()}");
            GoldenText.Check(WithoutMachine(output.ToString(), workspace, application.ConfigurationFolder), path, caller);
        }
        finally
        {
            Directory.Delete(workspace, recursive: true);
        }
    }

    static string WithoutMachine(string plan, string workspace, string configuration) =>
        plan.Replace(workspace, "WORKSPACE", StringComparison.Ordinal).Replace(Path.TrimEndingDirectorySeparator(Path.GetFullPath(configuration)), "CONFIGURATION", StringComparison.Ordinal);
}
