using System.IO.Compression;
using System.Reflection;
using System.Reflection.Emit;
using BatchMl.TestSupport;

namespace BatchMl.Packages.Tests;

/// <summary>Packages and assemblies of several versions of BatchMl are refused, with the names of those that do not fit.</summary>
[Collection(nameof(MadeSolutionCollection))]
public sealed class VersionTests(MadeSolution solution)
{
    [Theory]
    [InlineData("99.0.0", "NU1605")]
    [InlineData("0.0.0", "NU1608")]
    public async Task A_package_of_another_version_is_not_restored(string version, string code)
    {
        using var folder = new TestFolder();
        await ForeignAsync("BatchMl.Server", version, Directory.CreateDirectory(folder.At("feed")).FullName);
        foreach (var file in Directory.GetFiles(solution.Path, "*.props").Concat(Directory.GetFiles(Path.Combine(solution.Path, "jobs"), "*.cs*"))) File.Copy(file, folder.At(Path.GetFileName(file)));
        var versions = folder.At("Directory.Packages.props");
        await File.WriteAllTextAsync(
            versions, (await File.ReadAllTextAsync(versions, Cancel)).Replace("\"BatchMl.Server\" Version=\"$(BatchMlVersion)\"", $"\"BatchMl.Server\" Version=\"{version}\"", StringComparison.Ordinal), Cancel);
        var restored = await Dotnet.RunAsync(folder.Path, new Dictionary<string, string>(solution.Feed.Environment) { ["RestoreAdditionalProjectSources"] = $"{solution.Feed.Packages};{folder.At("feed")}" }, "restore");
        Assert.NotEqual(0, restored.Code);
        Assert.Contains(code, restored.Said, StringComparison.Ordinal);
        Assert.Contains($"BatchMl.Server {version}", restored.Said, StringComparison.Ordinal);
        Assert.Contains(solution.Feed.Version, restored.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assembly_of_another_version_in_the_programs_folder_is_named_and_nothing_runs()
    {
        var (path, other) = (Path.Combine(solution.Program, "BatchMl.Onnx.dll"), Path.Combine(solution.Program, "BatchMl.Other.dll"));
        var own = await File.ReadAllBytesAsync(path, Cancel);
        try
        {
            // A user's own, whatever it is called.
            Foreign("BatchMl.Other", "99.0.0", "Other").Save(other);
            (await solution.RunAsync("list")).Succeeded();
            Foreign("BatchMl.Onnx", "99.0.0", "BatchMl").Save(path);
            var refused = await solution.RunAsync("list");
            Assert.Equal(2, refused.Code);
            Assert.Contains("BatchMl.Onnx.dll is of version 99.0.0", refused.Said, StringComparison.Ordinal);
            Assert.DoesNotContain("BatchMl.Other", refused.Said, StringComparison.Ordinal);
            Assert.DoesNotContain("Unhandled", refused.Said, StringComparison.Ordinal);
            Assert.DoesNotContain("next-purchase", refused.Said, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(other);
            await File.WriteAllBytesAsync(path, own, Cancel);
        }
        (await solution.RunAsync("list")).Succeeded();
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // The package as it is, under another version and asking for the others in that.
    async Task ForeignAsync(string name, string version, string folder)
    {
        var file = Path.Combine(folder, $"{name}.{version}.nupkg");
        File.Copy(solution.Feed.File(name), file);
        await using var package = await ZipFile.OpenAsync(file, ZipArchiveMode.Update, Cancel);
        var nuspec = package.GetEntry($"{name}.nuspec")!;
        string text;
        using (var reader = new StreamReader(await nuspec.OpenAsync(Cancel))) text = await reader.ReadToEndAsync(Cancel);
        nuspec.Delete();
        await using var writer = new StreamWriter(await package.CreateEntry(nuspec.FullName).OpenAsync(Cancel));
        await writer.WriteAsync(text.Replace(solution.Feed.Version, version, StringComparison.Ordinal));
    }

    static PersistedAssemblyBuilder Foreign(string name, string version, string product)
    {
        CustomAttributeBuilder Says<T>(string value) => new(typeof(T).GetConstructor([typeof(string)])!, [value]);
        var assembly = new PersistedAssemblyBuilder(
            new AssemblyName(name) { Version = new Version(version) }, typeof(object).Assembly, [Says<AssemblyProductAttribute>(product), Says<AssemblyInformationalVersionAttribute>($"{version}+abc")]);
        assembly.DefineDynamicModule(name);
        return assembly;
    }
}
