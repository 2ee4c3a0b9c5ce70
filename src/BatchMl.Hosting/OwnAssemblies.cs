using System.Diagnostics;
using System.Reflection;

namespace BatchMl.Hosting;

/// <summary>Whether the assemblies of BatchMl that lie beside each other belong together.</summary>
static class OwnAssemblies
{
    // Packages ask for each other's exact versions; a program's folder can still be a mix, e.g. after half of an upgrade was copied.
    const string Product = "BatchMl";

    static readonly Lazy<string?> problem = new(() => ProblemIn(AppContext.BaseDirectory));

    /// <summary>The version of this one, e.g. <c>0.1.0</c>.</summary>
    public static string Version { get; } = WithoutCommit(typeof(OwnAssemblies).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion);

    /// <summary>What is wrong with those of this program; null: nothing.</summary>
    public static string? Problem => problem.Value;

    /// <summary>What is wrong with those of a folder. What is none of this product, whatever its name, is not looked at.</summary>
    public static string? ProblemIn(string folder)
    {
        var others = Directory.EnumerateFiles(folder, $"{Product}.*.dll").Select(FileVersionInfo.GetVersionInfo)
            .Where(f => f.ProductName == Product && WithoutCommit(f.ProductVersion ?? "") != Version)
            .Select(f => $"{Path.GetFileName(f.FileName)} is of version {WithoutCommit(f.ProductVersion ?? "")}").Order(StringComparer.Ordinal).ToList();
        if (others.Count == 0) return null;
        return $"The program's folder {folder} has assemblies of several versions of BatchMl: BatchMl.Hosting.dll is of version {Version}, {string.Join(", ", others)}. They belong together in one version; "
            + "reference all BatchMl packages in the same version, build or publish again into an empty folder, and copy that as a whole.";
    }

    static string WithoutCommit(string version) => version.Split('+')[0];
}
