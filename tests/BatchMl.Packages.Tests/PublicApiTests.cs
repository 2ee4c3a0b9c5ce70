using System.Reflection;
using BatchMl.TestSupport;
using PublicApiGenerator;

namespace BatchMl.Packages.Tests;

/// <summary>
/// What programs may call, a file for each assembly in <c>PublicApi/</c>, so that a change is seen in a review. <c>BATCHML_BLESS=1 dotnet test tests/BatchMl.Packages.Tests --filter PublicApiTests</c> writes them again.
/// </summary>
public sealed class PublicApiTests
{
    static readonly string folder = Path.Combine(Shared.RepositoryRoot, "tests", "BatchMl.Packages.Tests", "PublicApi");

    [Fact]
    public void It_is_what_was_agreed()
    {
        var isBlessed = Environment.GetEnvironmentVariable("BATCHML_BLESS") == "1";
        var options = new ApiGeneratorOptions { IncludeAssemblyAttributes = false };
        var names = Feed.Projects.Where(n => n != "BatchMl.Templates").ToList();
        var changed = new List<string>();
        foreach (var name in names)
        {
            var (file, now) = (Path.Combine(folder, $"{name}.txt"), Assembly.Load(name).GeneratePublicApi(options).ReplaceLineEndings("\n") + "\n");
            if (isBlessed) File.WriteAllText(file, now);
            else if (Difference(File.Exists(file) ? File.ReadAllText(file) : "", now) is { } difference) changed.Add($"{name}: {difference}");
        }
        Assert.True(changed.Count == 0, $"The public API changed. If that is meant, run this test with BATCHML_BLESS=1 and commit PublicApi/.\n{string.Join('\n', changed)}");
        Assert.Equal(names.Select(n => $"{n}.txt"), Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    static string? Difference(string agreed, string now)
    {
        if (agreed == now) return null;
        var (before, after) = (agreed.Split('\n'), now.Split('\n'));
        return string.Join('\n', [.. before.Except(after).Take(5).Select(l => $"  - {l.Trim()}"), .. after.Except(before).Take(5).Select(l => $"  + {l.Trim()}")]);
    }
}
