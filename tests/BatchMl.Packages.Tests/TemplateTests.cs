using System.Text.RegularExpressions;
using System.Xml.Linq;
using BatchMl.TestSupport;

namespace BatchMl.Packages.Tests;

/// <summary>What <c>dotnet new batchml</c> makes works at once.</summary>
[Collection(nameof(MadeSolutionCollection))]
public sealed partial class TemplateTests(MadeSolution solution)
{
    [Fact]
    public async Task Its_tests_pass()
    {
        var tests = (await solution.DotnetAsync("test", "-c", "Release", "--no-build")).Succeeded();
        Assert.Matches("Failed: +0, Passed: +[23], Skipped: +[01], Total: +3", tests.Said);
    }

    [Fact]
    public async Task Its_program_makes_scores_checks_its_schedules_and_says_the_same_twice()
    {
        var workspace = Path.Combine(solution.Path, "workspace");
        (await solution.RunAsync("run", "next-purchase", "--workspace", workspace)).Succeeded();
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(workspace, "datasets", "next-purchase", "score"), "part-*.parquet", SearchOption.AllDirectories));
        Assert.Contains("0 partitions to make", (await solution.RunAsync("run", "next-purchase", "--workspace", workspace)).Succeeded().Said, StringComparison.Ordinal);
        // WithServer brings verbs of its own, which know the jobs.
        (await solution.RunAsync("schedules", "check")).Succeeded();
    }

    [Fact]
    public async Task Its_program_is_a_worker_where_Spark_starts_it()
    {
        // Only a worker knows what Spark would have set.
        var worker = await solution.RunAsync("-m", "pyspark.worker");
        Assert.Equal(1, worker.Code);
        Assert.Contains("PYTHON_WORKER_FACTORY_SECRET", worker.Said, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_Program_is_ten_lines_in_the_namespace_of_the_team()
    {
        var program = File.ReadAllLines(Path.Combine(solution.Path, "jobs", "Program.cs"));
        Assert.InRange(program.Length, 1, 10);
        Assert.Contains("using My_Team.One.Jobs;", program);
        Assert.DoesNotContain(Directory.EnumerateFiles(solution.Path, "*.*", SearchOption.TopDirectoryOnly).Concat(Directory.EnumerateFiles(Path.Combine(solution.Path, "jobs"))).Select(File.ReadAllText), text => Placeholder().IsMatch(text));
    }

    [Fact]
    public async Task A_folder_that_has_such_files_is_left_alone()
    {
        using var folder = new TestFolder();
        var program = folder.At("jobs", "Program.cs");
        Directory.CreateDirectory(folder.At("jobs"));
        await File.WriteAllTextAsync(program, "// mine", TestContext.Current.CancellationToken);
        var refused = await solution.NewAsync("batchml", "-n", "Other", "-o", folder.Path);
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("jobs/Program.cs", refused.Said, StringComparison.Ordinal);
        Assert.Contains("--force", refused.Said, StringComparison.Ordinal);
        Assert.Equal([program], Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories));
        Assert.Equal("// mine", await File.ReadAllTextAsync(program, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Its_packages_are_of_the_versions_that_are_tried_here()
    {
        var here = Versions(Path.Combine(Shared.RepositoryRoot, "Directory.Packages.props"));
        var made = Versions(Path.Combine(solution.Path, "Directory.Packages.props")).Where(v => !v.Key.StartsWith("BatchMl.", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(made);
        Assert.All(made, v => Assert.Equal(here[v.Key], v.Value));
    }

    static Dictionary<string, string> Versions(string path) => XDocument.Load(path).Descendants("PackageVersion").ToDictionary(v => v.Attribute("Include")!.Value, v => v.Attribute("Version")!.Value);

    [GeneratedRegex("MyTeam|BATCHML_[PV]")]
    private static partial Regex Placeholder();
}
