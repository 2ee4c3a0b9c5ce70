using System.Text;
using System.Text.RegularExpressions;

namespace BatchMl.Data;

/// <summary>
/// The files of a path: a file itself, a folder with all files of one extension below it, or a glob: <c>*</c> and <c>?</c> within a name, <c>[a-z]</c> and <c>[!a-z]</c> for one character,
/// <c>**</c> for any number of folders. The folder of a dataset that is kept by model version (<see cref="DatasetVersion"/>) has the files that are current by the versions' manifests. Names that begin with <c>_</c> or <c>.</c> are not data, unless the path itself spells them out.
/// </summary>
public static class PathPattern
{
    /// <summary>Absolute paths in ordinal order; never none.</summary>
    /// <param name="path">File, folder or glob of a local file system.</param>
    /// <param name="extensions">What counts as data in a folder, e.g. <c>.parquet</c>.</param>
    /// <exception cref="DefinitionException">The path is not one of a local file system.</exception>
    /// <exception cref="DataException">There is no such file.</exception>
    public static IReadOnlyList<string> Files(string path, params ReadOnlySpan<string> extensions)
    {
        if (path.Contains("://", StringComparison.Ordinal))
            throw new DefinitionException($"'{path}' is not a path of a local file system; only those can be read. Copy the files, or mount them.");
        var full = Path.GetFullPath(path);
        if (File.Exists(full)) return [full];
        var expected = extensions.ToArray();
        // A folder that is not there, or holds what was made before versions were kept.
        if (DatasetVersion.FoldersOf(full).Count > 0 && PublishedTable.Read(Path.GetDirectoryName(full)!, Path.GetFileName(full)) is { Files.Count: > 0 } current) return current.Files;
        if (Directory.Exists(full))
        {
            var below = Match(full, ["**", "*"], 0).Where(f => expected.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase));
            return Sorted(below) is { Length: > 0 } files ? files
                : throw new DataException($"Folder {full} holds no files *{string.Join(", *", expected)} (names that begin with _ or . are left out). Check where the source is bound.");
        }
        if (full.AsSpan().IndexOfAny("*?[") < 0)
            throw new DataException($"{full} does not exist. Expected a file, a folder of files *{string.Join(", *", expected)}, or a glob; check where the source is bound.");
        return Sorted(Match("/", full.Split('/', StringSplitOptions.RemoveEmptyEntries), 0)) is { Length: > 0 } found ? found
            : throw new DataException($"No file matches {full}; check where the source is bound.");
    }

    // "**" may reach a file in more than one way.
    static string[] Sorted(IEnumerable<string> files) => [.. files.Distinct().Order(StringComparer.Ordinal)];

    static IEnumerable<string> Match(string folder, string[] names, int at)
    {
        var name = names[at];
        var last = at == names.Length - 1;
        if (name == "**")
        {
            var here = last ? Entries(folder, "*", files: true) : Match(folder, names, at + 1);
            return here.Concat(Entries(folder, "*", files: false).SelectMany(f => Match(f, names, at)));
        }
        if (last) return Entries(folder, name, files: true);
        return Entries(folder, name, files: false).SelectMany(f => Match(f, names, at + 1));
    }

    static IEnumerable<string> Entries(string folder, string name, bool files)
    {
        if (name.AsSpan().IndexOfAny("*?[") < 0)
        {
            var path = Path.Combine(folder, name);
            return (files ? File.Exists(path) : Directory.Exists(path)) ? [path] : [];
        }
        var pattern = new Regex(Pattern(name), RegexOptions.CultureInvariant | RegexOptions.Singleline);
        var entries = files ? Directory.EnumerateFiles(folder) : Directory.EnumerateDirectories(folder);
        return entries.Where(e => Path.GetFileName(e.AsSpan()) is var entry && (entry[0] is not ('_' or '.') || entry[0] == name[0]) && pattern.IsMatch(entry));
    }

    static string Pattern(string name)
    {
        var pattern = new StringBuilder("^");
        for (var i = 0; i < name.Length; i++)
        {
            // A "]" right after "[" or "[!" stands for itself.
            var first = i + 1 < name.Length && name[i + 1] is '!' or '^' ? i + 2 : i + 1;
            var end = name[i] == '[' && first < name.Length ? name.IndexOf(']', Math.Min(first + 1, name.Length)) : -1;
            if (end > 0)
            {
                var set = name[first..end].Replace(@"\", @"\\", StringComparison.Ordinal).Replace("[", @"\[", StringComparison.Ordinal).Replace("]", @"\]", StringComparison.Ordinal);
                pattern.Append('[').Append(first == i + 2 ? "^" : "").Append(set).Append(']');
                i = end;
            }
            else
            {
                pattern.Append(name[i] switch { '*' => ".*", '?' => ".", var c => Regex.Escape(c.ToString()) });
            }
        }
        return pattern.Append('$').ToString();
    }
}
