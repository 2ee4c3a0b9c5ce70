using System.Xml.Linq;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Arrows between assemblies go one way.</summary>
public sealed class ArchitectureTests
{
    [Fact]
    public void Core_references_nothing_backends_reference_only_Core_hosting_sees_all_of_them_and_server_and_test_kit_stand_on_hosting()
    {
        var offending = new List<string>();
        foreach (var project in Projects())
        {
            var name = Path.GetFileNameWithoutExtension(project);
            foreach (var reference in XDocument.Load(project).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))))
            {
                var isAllowed = name switch
                {
                    "BatchMl.Core" => false,
                    "BatchMl.Hosting" => reference is not ("BatchMl.Server" or "BatchMl.Testing"),
                    "BatchMl.Testing" => reference is "BatchMl.Core" or "BatchMl.Hosting",
                    "BatchMl.Server" => reference is "BatchMl.Core" or "BatchMl.Catalog" or "BatchMl.Hosting",
                    _ => reference == "BatchMl.Core",
                };
                if (!isAllowed) offending.Add($"{name} -> {reference}");
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
        foreach (var project in Projects())
        {
            foreach (var package in XDocument.Load(project).Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value).Where(allowed.ContainsKey))
            {
                Assert.Equal(allowed[package], Path.GetFileNameWithoutExtension(project));
            }
        }
    }

    // Not below them: a template has projects of its own.
    static IEnumerable<string> Projects() => Directory.GetDirectories(Path.Combine(Shared.RepositoryRoot, "src")).SelectMany(folder => Directory.GetFiles(folder, "*.csproj"));
}
