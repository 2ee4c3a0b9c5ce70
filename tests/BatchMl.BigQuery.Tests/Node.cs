using System.Diagnostics;
using System.Text.Json.Nodes;
using BatchMl.TestSupport;

namespace BatchMl.BigQuery.Tests;

/// <summary>Google's own client of BigQuery, unmodified, in Node.</summary>
static class Node
{
    static string Scripts => Path.Combine(Shared.RepositoryRoot, "tests", "bigquery-conformance");

    /// <summary>Runs a script; what each of its steps printed. Skips the test where Node or the client is missing.</summary>
    public static async Task<IReadOnlyDictionary<string, JsonNode?>> RunAsync(string script, params string[] arguments)
    {
        Shared.RequireOrSkip(Directory.Exists(Path.Combine(Scripts, "node_modules", "@google-cloud", "bigquery")), "tests/bigquery-conformance/node_modules is missing: run 'npm ci' in tests/bigquery-conformance (Node 20 or newer).");
        var start = new ProcessStartInfo("node", [script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Scripts };
        // Nothing of this machine's own log-ins, and no look for a metadata server.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("GOOGLE_", StringComparison.Ordinal) || k.StartsWith("BIGQUERY_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(name);
        using var node = Process.Start(start)!;
        using var ended = BigQueryFixture.Cancellation.Register(() => node.Kill());
        var (output, errors) = (node.StandardOutput.ReadToEndAsync(BigQueryFixture.Cancellation), node.StandardError.ReadToEndAsync(BigQueryFixture.Cancellation));
        await node.WaitForExitAsync(BigQueryFixture.Cancellation);
        Assert.True(node.ExitCode == 0, $"{await output}{await errors}");
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToDictionary(line => line["step"]!.ToString(), line => line["value"] ?? line["error"]);
    }
}
