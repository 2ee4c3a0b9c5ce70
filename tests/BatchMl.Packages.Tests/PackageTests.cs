using System.IO.Compression;
using System.Text;
using System.Xml.Linq;
using BatchMl.TestSupport;

namespace BatchMl.Packages.Tests;

/// <summary>What is in the packages.</summary>
public sealed class PackageTests(Feed feed)
{
    static readonly string machine = Shared.RepositoryRoot;

    [Fact]
    public void There_is_one_for_each_project_of_src_and_none_besides()
    {
        Assert.Equal(Feed.Projects.Select(feed.Name), Directory.GetFiles(feed.Packages, "*.nupkg").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(Feed.Projects.Where(n => n != "BatchMl.Templates").Select(n => Path.ChangeExtension(feed.Name(n), "snupkg")), Directory.GetFiles(feed.Packages, "*.snupkg").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_says_what_it_is_and_has_its_documentation()
    {
        foreach (var name in Feed.Projects)
        {
            using var package = ZipFile.OpenRead(feed.File(name));
            var metadata = Nuspec(package);
            Assert.Equal("Apache-2.0", metadata.Element(metadata.Name.Namespace + "license")?.Value);
            Assert.True(metadata.Element(metadata.Name.Namespace + "description")?.Value is { Length: > 20 } description && description != "Package Description", name);
            Assert.Equal("README.md", metadata.Element(metadata.Name.Namespace + "readme")?.Value);
            Assert.NotNull(package.GetEntry("README.md"));
            Assert.Null(metadata.Element(metadata.Name.Namespace + "repository")?.Attribute("url"));
            if (name == "BatchMl.Templates") continue;
            // One folder, for every platform.
            Assert.Equal([$"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"], package.Entries.Select(e => e.FullName).Where(e => e.StartsWith("lib/", StringComparison.Ordinal) || e.StartsWith("runtimes/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            using var symbols = ZipFile.OpenRead(feed.File(name, "snupkg"));
            Assert.NotNull(symbols.GetEntry($"lib/net10.0/{name}.pdb"));
        }
    }

    [Fact]
    public void Each_asks_for_exactly_its_own_version_of_the_others()
    {
        foreach (var name in Feed.Projects)
        {
            using var package = ZipFile.OpenRead(feed.File(name));
            var own = Nuspec(package).Descendants().Where(e => e.Name.LocalName == "dependency").Select(d => (Name: d.Attribute("id")!.Value, Version: d.Attribute("version")!.Value))
                .Where(d => Feed.Projects.Contains(d.Name)).ToList();
            Assert.All(own, d => Assert.Equal($"[{feed.Version}]", d.Version));
            var project = XDocument.Load(Path.Combine(Shared.RepositoryRoot, "src", name, $"{name}.csproj"));
            Assert.Equal(project.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)).Order(StringComparer.Ordinal), own.Select(d => d.Name).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void No_path_of_the_machine_that_built_them_is_in_them()
    {
        var (home, found) = (System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), new List<string>());
        foreach (var file in Directory.GetFiles(feed.Packages))
        {
            using var package = ZipFile.OpenRead(file);
            foreach (var entry in package.Entries)
            {
                using var bytes = new MemoryStream();
                using (var stream = entry.Open()) stream.CopyTo(bytes);
                // Texts in metadata are UTF-8, those in code UTF-16.
                foreach (var path in new[] { machine + "/", home + "/.nuget" })
                {
                    if (bytes.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(path)) >= 0 || bytes.ToArray().AsSpan().IndexOf(Encoding.Unicode.GetBytes(path)) >= 0) found.Add($"{Path.GetFileName(file)}: {entry.FullName} has {path}");
                }
            }
        }
        Assert.Empty(found);
    }

    static XElement Nuspec(ZipArchive package)
    {
        using var stream = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().First();
    }
}
