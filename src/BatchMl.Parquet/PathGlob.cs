using System.Text;
using System.Text.RegularExpressions;

namespace BatchMl.Parquet;

/// <summary>The files of a path: a file itself, a folder with all below it, or a glob (<c>*</c>, <c>**</c>, <c>?</c>, <c>[a-z]</c>). Names that begin with <c>_</c> or <c>.</c> are not data.</summary>
static class PathGlob
{
    static readonly char[] Wild = ['*', '?', '['];

    /// <summary>Absolute paths in ordinal order.</summary>
    /// <exception cref="DataException">There is no such file.</exception>
    public static IReadOnlyList<string> Files(string path)
    {
        if (path.Contains("://", StringComparison.Ordinal))
        {
            throw new DefinitionException($"'{path}' is not a path of a local file system; only those can be read as Parquet. Copy the files, or mount them.");
        }
        if (File.Exists(path)) return [Path.GetFullPath(path)];
        if (Directory.Exists(path))
        {
            var below = Below(path, path).Where(f => f.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).ToArray();
            return below.Length > 0 ? below : throw new DataException($"Folder {path} holds no Parquet files (*.parquet; names that begin with _ or . are left out).");
        }
        if (path.IndexOfAny(Wild) < 0) throw new DataException($"{path} does not exist. Expected a Parquet file, a folder of them, or a glob; check where the source is bound.");
        var root = Root(path);
        var pattern = new Regex(Pattern(path), RegexOptions.CultureInvariant);
        var found = Directory.Exists(root) ? Below(root, root).Where(f => pattern.IsMatch(f)).Order(StringComparer.Ordinal).ToArray() : [];
        return found.Length > 0 ? found : throw new DataException($"No file matches {path}; check where the source is bound.");
    }

    /// <summary>The folder that all files are below: Hive columns are the <c>name=value</c> folders between it and a file.</summary>
    public static string Root(string path)
    {
        var wild = path.IndexOfAny(Wild);
        if (wild < 0) return Directory.Exists(path) ? Path.GetFullPath(path) : Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Path.GetFullPath(path[..(path.LastIndexOf('/', wild) + 1)] is { Length: > 0 } folder ? folder : ".");
    }

    static IEnumerable<string> Below(string folder, string root) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(Path.GetFullPath)
            .Where(f => Path.GetRelativePath(root, f).Split('/').All(part => part[0] is not ('_' or '.')));

    static string Pattern(string glob)
    {
        var full = Path.GetFullPath(glob);
        var pattern = new StringBuilder("^");
        for (var i = 0; i < full.Length; i++)
        {
            if (full[i] == '*' && i + 1 < full.Length && full[i + 1] == '*')
            {
                pattern.Append(".*");
                i++;
                if (i + 1 < full.Length && full[i + 1] == '/') i++;
            }
            else
            {
                pattern.Append(full[i] switch { '*' => "[^/]*", '?' => "[^/]", '[' or ']' or '-' => full[i].ToString(), var c => Regex.Escape(c.ToString()) });
            }
        }
        return pattern.Append('$').ToString();
    }
}
