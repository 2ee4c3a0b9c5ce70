using System.Xml.Linq;
using BatchMl.Testing;

namespace BatchMl.Jobs.Tests;

/// <summary>Arrows between assemblies go one way.</summary>
public sealed class ArchitectureTests
{
    [Fact]
    public void Core_references_nothing_siblings_reference_only_Core_the_server_stands_on_hosting_and_only_jobs_sees_all()
    {
        var offending = new List<string>();
        foreach (var project in Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            foreach (var reference in XDocument.Load(project).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))))
            {
                if (name == "BatchMl.Core" || reference != "BatchMl.Core" && (name, reference) != ("BatchMl.Server", "BatchMl.Hosting")) offending.Add($"{name} -> {reference}");
            }
        }
        Assert.Empty(offending);
    }

    [Fact]
    public void Heavy_packages_stay_in_their_assembly()
    {
        var allowed = new Dictionary<string, string>
        {
            ["ParquetSharp"] = "BatchMl.Parquet", ["DuckDB.NET.Data.Full"] = "BatchMl.DuckDb", ["LightGBM"] = "BatchMl.LightGbm", ["Microsoft.ML.OnnxRuntime"] = "BatchMl.Onnx",
            ["Microsoft.Data.Sqlite"] = "BatchMl.Catalog", ["Npgsql"] = "BatchMl.Catalog", ["Dapper"] = "BatchMl.Catalog", ["MailKit"] = "BatchMl.Server", ["System.CommandLine"] = "BatchMl.Hosting",
            ["Google.Apis"] = "BatchMl.BigQuery", ["Google.Apis.Auth"] = "BatchMl.BigQuery",
        };
        foreach (var project in Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            foreach (var package in XDocument.Load(project).Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value).Where(allowed.ContainsKey))
            {
                Assert.Equal(allowed[package], Path.GetFileNameWithoutExtension(project));
            }
        }
    }
}
