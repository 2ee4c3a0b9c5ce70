using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace BatchMl.Benchmarks.Harness;

/// <summary>A line's last result with where and when it was taken.</summary>
sealed record Result(string Name, string What, string Target, Outcome Outcome, DateOnly Date, string Machine, string Versions);

/// <summary>The committed results: <c>results.json</c>, and the table that the README shows of it.</summary>
static partial class Results
{
    static readonly JsonSerializerOptions json = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(Path.GetDirectoryName(here)!)!;

    static string File => Path.Combine(Folder(), "results.json");

    public static Result Of(Benchmark benchmark, Outcome outcome) =>
        new(benchmark.Name, benchmark.What, benchmark.Target, outcome, DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime), Machine(), Versions());

    /// <summary>Puts results in place of older ones of the same lines and writes the table anew.</summary>
    public static void Save(IReadOnlyList<Benchmark> order, IEnumerable<Result> results)
    {
        var all = System.IO.File.Exists(File) ? JsonSerializer.Deserialize<List<Result>>(System.IO.File.ReadAllText(File), json)! : [];
        foreach (var result in results)
        {
            all.RemoveAll(r => r.Name == result.Name);
            all.Add(result);
        }
        Result[] kept = [.. order.SelectMany(b => all.Where(r => r.Name == b.Name))];
        System.IO.File.WriteAllText(File, JsonSerializer.Serialize(kept, json) + "\n");
        var readme = Path.Combine(Folder(), "README.md");
        System.IO.File.WriteAllText(readme, TablePlace().Replace(System.IO.File.ReadAllText(readme), m => m.Groups[1].Value + Table(kept) + m.Groups[2].Value));
    }

    [GeneratedRegex("(<!-- table -->\n).*?(<!-- /table -->)", RegexOptions.Singleline)]
    private static partial Regex TablePlace();

    public static string Table(IEnumerable<Result> results)
    {
        var text = new StringBuilder("| line | what | ours | against | result | target | | notes |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var r in results)
            text.Append(CultureInfo.InvariantCulture, $"| `{r.Name}` | {r.What} | {r.Outcome.Ours} | {r.Outcome.Against} | **{r.Outcome.Result}** | {r.Target} | {(r.Outcome.Met ? "met" : "missed")} | {r.Outcome.Notes} |\n");
        foreach (var at in results.GroupBy(r => (r.Date, r.Machine, r.Versions)))
            text.Append(CultureInfo.InvariantCulture, $"\n{at.Key.Date:yyyy-MM-dd}, {at.Key.Machine}; {at.Key.Versions}: {string.Join(", ", at.Select(r => r.Name))}.\n");
        return text.ToString();
    }

    static string Machine()
    {
        var cpu = System.IO.File.Exists("/proc/cpuinfo")
            ? System.IO.File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() : null;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores {cpu ?? RuntimeInformation.ProcessArchitecture.ToString()}, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1L << 30)} GiB");
    }

    static string Versions()
    {
        static string Version(Type type) => type.Assembly.GetName().Version!.ToString(3);
        return $".NET {Environment.Version}, Arrow {Version(typeof(Apache.Arrow.RecordBatch))}, DuckDB.NET {Version(typeof(DuckDB.NET.Data.DuckDBConnection))}, ONNX Runtime {Version(typeof(Microsoft.ML.OnnxRuntime.InferenceSession))}";
    }
}
