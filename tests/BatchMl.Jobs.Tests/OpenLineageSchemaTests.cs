using System.Diagnostics;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Every event that a run emits, against the official OpenLineage schemas (JSON Schema 2020-12, through ajv).</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class OpenLineageSchemaTests(FlightDelaysRun run)
{
    [Fact]
    public async Task All_events_are_valid()
    {
        var schemas = Shared.Path("wire/openlineage");
        var modules = Path.Combine(Shared.RepositoryRoot, "tests", "openlineage", "node_modules");
        Shared.RequireOrSkip(Directory.Exists(modules), "tests/openlineage/node_modules is missing: run 'npm ci' in tests/openlineage.");
        using var folder = new TestFolder();
        // The validator looks for its modules beside itself.
        foreach (var file in Directory.GetFiles(schemas, "*", SearchOption.AllDirectories))
        {
            var copy = folder.At(Path.GetRelativePath(schemas, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        Directory.CreateSymbolicLink(folder.At("node_modules"), modules);
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, WorkingDirectory = folder.Path };
        start.ArgumentList.Add("validate.mjs");
        foreach (var file in Directory.GetFiles(Path.Combine(run.Workspace, "lineage"))) start.ArgumentList.Add(file);
        using var node = Process.Start(start)!;
        var output = await node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(node.ExitCode == 0, output);
        Assert.Matches(@"^[1-9]\d* valid, 0 invalid", output);
        Assert.DoesNotContain("not checked", output, StringComparison.Ordinal);
    }
}
