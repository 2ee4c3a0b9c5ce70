using System.Text.Json;
using Apache.Arrow;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>A vector: inputs of the as-of kernel and what must come out. The format: <c>tests/conformance/README.md</c>.</summary>
/// <param name="Name">Unique; a behaviour.</param>
/// <param name="Holds">The sentence it holds engines to.</param>
/// <param name="Events">The event rows.</param>
/// <param name="Spine">The spine rows.</param>
/// <param name="Query">What is computed.</param>
/// <param name="Expected">The result's columns; null where the query fails.</param>
/// <param name="ErrorMentions">What the error's message must hold; null where the query succeeds.</param>
public sealed record ConformanceVector(
    string Name, string Holds, EventTable Events, SpineTable Spine, AsOfQuery Query, IReadOnlyList<IArrowArray>? Expected, IReadOnlyList<string>? ErrorMentions)
{
    /// <summary>The repository's folder of vectors.</summary>
    public static string Folder => System.IO.Path.Combine(Shared.RepositoryRoot, "tests", "conformance");

    /// <summary>All vectors by name, in the order of files and rows.</summary>
    public static IReadOnlyList<ConformanceVector> All { get; } = Load();

    /// <summary>The vector of a name.</summary>
    public static ConformanceVector Named(string name) => All.Single(v => v.Name == name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    static IReadOnlyList<ConformanceVector> Load() =>
        [.. Directory.EnumerateFiles(Folder, "*.json").Order(StringComparer.Ordinal).SelectMany(file =>
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            return document.RootElement.EnumerateArray().Select(VectorReader.Read).ToList();
        })];
}
