using System.Text.RegularExpressions;
using System.Xml.Linq;
using BatchMl.TestSupport;

namespace BatchMl.Packages.Tests;

/// <summary>A second team's repository, <c>tests/consumer</c>: a churn job over the packages alone, with tests of its own.</summary>
public sealed partial class ConsumerTests(Feed feed)
{
    static string Consumer { get; } = Path.Combine(Shared.RepositoryRoot, "tests", "consumer");

    [Fact]
    public async Task Its_tests_pass_on_the_packages_in_another_folder()
    {
        using var folder = new TestFolder();
        foreach (var file in Sources())
        {
            var copy = Path.Combine(folder.Path, Path.GetRelativePath(Consumer, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        // What its nuget.config names.
        Directory.CreateDirectory(folder.At("feed"));
        foreach (var package in Directory.GetFiles(feed.Packages, "*.nupkg")) File.Copy(package, folder.At("feed", Path.GetFileName(package)));
        var environment = new Dictionary<string, string>(feed.Environment) { ["BatchMlVersion"] = feed.Version };
        environment.Remove("RestoreAdditionalProjectSources");

        var tests = (await Dotnet.RunAsync(folder.Path, environment, "test", "Churn.slnx", "-c", "Release")).Succeeded();
        var passed = Passed().Match(tests.Said);
        Assert.True(passed.Success && int.Parse(passed.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) >= 18, tests.Said);
    }

    [Fact]
    public void It_knows_nothing_of_this_repository_but_packages()
    {
        foreach (var project in Sources().Where(f => f.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            foreach (var reference in XDocument.Load(project).Descendants("ProjectReference").Select(r => r.Attribute("Include")!.Value))
                Assert.StartsWith(Consumer + Path.DirectorySeparatorChar, Path.GetFullPath(reference, Path.GetDirectoryName(project)!), StringComparison.Ordinal);
        }
        Assert.InRange(File.ReadAllLines(Path.Combine(Consumer, "Churn", "Program.cs")).Length, 1, 10);
    }

    // Without what somebody built there.
    static IEnumerable<string> Sources() => Directory.GetFiles(Consumer, "*", SearchOption.AllDirectories).Where(f => Path.GetRelativePath(Consumer, f).Split(Path.DirectorySeparatorChar)[0] is not ("artifacts" or "feed" or ".batchml"));

    [GeneratedRegex("Failed: +0, Passed: +([0-9]+), Skipped: +[01],")]
    private static partial Regex Passed();
}
