using System.Runtime.CompilerServices;

namespace BatchMl.Testing;

/// <summary>Text that is kept in a file beside the tests, so that a change of it shows in review. With <c>BATCHML_BLESS=1</c> in the environment what is got is written in place of what is kept.</summary>
public static class GoldenText
{
    const int Context = 3;
    const int ShownLines = 40;

    /// <summary>The environment variable that has files written; its value is 1.</summary>
    public const string Bless = "BATCHML_BLESS";

    /// <summary>Expects a text to be that of a file; line ends aside.</summary>
    /// <param name="text">What is got.</param>
    /// <param name="path">The file; a relative path is relative to the source file of the test.</param>
    /// <param name="caller">The source file of the test; the compiler gives it.</param>
    /// <exception cref="TestFailedException">The texts differ: says where; or there is no such file.</exception>
    public static void Check(string text, string path, [CallerFilePath] string caller = "")
    {
        var file = Locate(path, caller);
        var got = Lines(text);
        if (Environment.GetEnvironmentVariable(Bless) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, string.Join('\n', got) + "\n");
            return;
        }
        if (!File.Exists(file)) throw new TestFailedException($"There is no file {path} to hold the text against. If the text is right, run the test once with {Bless}=1 and commit the file. The text is:{Environment.NewLine}{string.Join(Environment.NewLine, got.Take(ShownLines))}");
        var kept = Lines(File.ReadAllText(file));
        if (got.SequenceEqual(kept, StringComparer.Ordinal)) return;
        throw new TestFailedException($"The text is not that of {path} (- kept, + got). If the new one is right, run the test once with {Bless}=1 and commit the file.{Environment.NewLine}{string.Join(Environment.NewLine, Difference(kept, got))}");
    }

    static string Locate(string path, string caller)
    {
        if (Path.IsPathRooted(path)) return path;
        var folder = Path.GetDirectoryName(caller);
        return Directory.Exists(folder) ? Path.Combine(folder, path)
            : throw new TestFailedException($"The source file of the test, {caller}, is not on this machine under that name (a build with PathMap has other names), so {path} is relative to nothing. Give an absolute path.");
    }

    static string[] Lines(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');

    // What is the same before and after is left out but for some lines; what is between is shown as it was and as it is.
    static IEnumerable<string> Difference(string[] kept, string[] got)
    {
        var before = kept.Zip(got).TakeWhile(p => p.First == p.Second).Count();
        var after = kept.Skip(before).Reverse().Zip(got.Skip(before).Reverse()).TakeWhile(p => p.First == p.Second).Count();
        var first = Math.Max(0, before - Context);
        yield return $"line {first + 1}";
        foreach (var line in kept[first..before]) yield return $"  {line}";
        foreach (var line in Some(kept[before..^after])) yield return $"- {line}";
        foreach (var line in Some(got[before..^after])) yield return $"+ {line}";
        foreach (var line in kept[^after..].Take(Context)) yield return $"  {line}";
    }

    static IEnumerable<string> Some(string[] lines) => lines.Length <= ShownLines ? lines : [.. lines.Take(ShownLines), $"… {lines.Length - ShownLines} more lines"];
}
