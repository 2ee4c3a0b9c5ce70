using BatchMl.TestSupport;

namespace BatchMl.Packages.Tests;

/// <summary>Tests of one solution, which is made once.</summary>
[CollectionDefinition(nameof(MadeSolutionCollection))]
public sealed class MadeSolutionCollection : ICollectionFixture<MadeSolution>;

/// <summary>A solution that the template made of the packages, built. Its name is one that needs care in namespaces.</summary>
public sealed class MadeSolution(Feed feed) : IAsyncLifetime
{
    const string Team = "My-Team.One";

    readonly TestFolder folder = new();

    /// <summary>Its folder.</summary>
    public string Path => folder.At("solution");

    /// <summary>The folder of its built program.</summary>
    public string Program => System.IO.Path.Combine(Path, "artifacts", "bin", $"{Team}.Jobs", "release");

    /// <summary>The packages that it is made of.</summary>
    public Feed Feed => feed;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        (await NewAsync("install", feed.File("BatchMl.Templates"))).Succeeded();
        (await NewAsync("batchml", "-n", Team, "-o", Path)).Succeeded();
        (await DotnetAsync("build", "-c", "Release")).Succeeded();
    }

    /// <summary>Runs <c>dotnet new</c>, with a home of its own: templates are installed for a user.</summary>
    internal Task<Result> NewAsync(params string[] args) => Dotnet.RunAsync(folder.Path, new Dictionary<string, string> { ["DOTNET_CLI_HOME"] = folder.At("home") }, ["new", .. args]);

    /// <summary>Runs a command in the solution's folder.</summary>
    internal Task<Result> DotnetAsync(params string[] args) => Dotnet.RunAsync(Path, feed.Environment, args);

    /// <summary>Runs its program, as it is built.</summary>
    internal Task<Result> RunAsync(params string[] args) => Dotnet.StartAsync(System.IO.Path.Combine(Program, $"{Team}.Jobs"), Path, feed.Environment, args);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
