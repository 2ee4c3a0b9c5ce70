using Xunit;

namespace BatchMl.TestSupport;

/// <summary>Where tests find what is not in the repository's build output: the repository itself and the folder <c>shared</c> beside it.</summary>
public static class Shared
{
    /// <summary>The folder that holds <c>BatchMl.sln</c>, above the test's own.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>
    /// The full path of a file or folder of <c>../shared</c>, e.g. <c>data/nycflights13/flights.parquet</c>. Where it is missing the test is skipped, or fails
    /// if nothing may be skipped (<see cref="RequireOrSkip"/>).
    /// </summary>
    public static string Path(string relative)
    {
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(RepositoryRoot, "..", "shared", relative));
        RequireOrSkip(File.Exists(path) || Directory.Exists(path), $"'{relative}' is not in the folder 'shared' beside the repository.");
        return path;
    }

    /// <summary>Skips the test with the reason unless <paramref name="present"/>; with <c>BATCHML_REQUIRE=all</c> a skip is a failure.</summary>
    public static void RequireOrSkip(bool present, string reason)
    {
        if (present)
            return;
        if (Environment.GetEnvironmentVariable("BATCHML_REQUIRE") == "all")
            Assert.Fail($"BATCHML_REQUIRE=all forbids skipping: {reason}");
        Assert.Skip(reason);
    }

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "BatchMl.sln")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"No folder above '{AppContext.BaseDirectory}' holds BatchMl.sln; run the tests from a build inside the repository.");
    }
}
