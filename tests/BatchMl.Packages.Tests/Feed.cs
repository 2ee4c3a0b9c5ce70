using BatchMl.TestSupport;

[assembly: AssemblyFixture(typeof(BatchMl.Packages.Tests.Feed))]

namespace BatchMl.Packages.Tests;

/// <summary>The packages of what was built with this test, in a folder, under a version that no cache has.</summary>
public sealed class Feed : IAsyncLifetime
{
    readonly TestFolder folder = new();

    /// <summary>Names of the projects that are packages.</summary>
    public static IReadOnlyList<string> Projects { get; } =
        [.. Directory.GetDirectories(Path.Combine(Shared.RepositoryRoot, "src")).Where(f => Directory.GetFiles(f, "*.csproj").Length > 0).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    /// <summary>Debug or Release, as this test.</summary>
    public static string Configuration { get; } = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    /// <summary>The folder.</summary>
    public string Packages => folder.At("feed");

    /// <summary>Their version.</summary>
    public string Version { get; } = $"0.0.1-t{Guid.NewGuid():N}";

    /// <summary>Where NuGet finds them: a cache of their own, and the machine's for everything else.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["RestoreAdditionalProjectSources"] = Packages,
        ["NUGET_PACKAGES"] = folder.At("cache"),
        ["NUGET_FALLBACK_PACKAGES"] = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages"),
    };

    /// <summary>The name of a package's file.</summary>
    public string Name(string project) => $"{project}.{Version}.nupkg";

    /// <summary>A package's file.</summary>
    public string File(string project, string extension = "nupkg") => Path.Combine(Packages, Path.ChangeExtension(Name(project), extension));

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => (await Dotnet.RunAsync(
        Shared.RepositoryRoot, new Dictionary<string, string>(), "pack", "BatchMl.sln", "--no-build", "-c", Configuration, "-o", Packages, $"-p:PackageVersion={Version}")).Succeeded();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
