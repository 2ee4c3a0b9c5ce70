using System.CommandLine;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Hosting.Verbs;

/// <summary>Prints a record type for a table.</summary>
sealed class ScaffoldVerb : Verb
{
    readonly Argument<string> file;
    readonly Option<string?> name;
    readonly Option<string[]> set;

    public ScaffoldVerb(BatchMlApplication application) : base(application, "scaffold", "Print C# for a table: a record type of its columns, and the source bound to it")
    {
        file = Add(new Argument<string>("FILE") { Description = "File, folder or glob: Parquet, CSV (.csv, .tsv) or JSON (.json, .ndjson, .jsonl), by its extension" });
        name = Add(new Option<string?>("--name") { Description = "Name of the source; default: the file's", HelpName = "NAME" });
        set = Add(new Option<string[]>("--set") { Description = "A setting; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var path = parsed.GetValue(file)!;
        await using var session = Application.Open(new SessionOptions(null, Settings(parsed, set)));
        using var snapshot = await session.OpenFile(Path.GetFullPath(path), new Dictionary<string, string>()).OpenAsync(cancel);
        var nullable = await NullableAsync(snapshot, cancel);
        var schema = new Schema(snapshot.Schema.FieldsList.Select(f => new Field(f.Name, f.DataType, nullable.Contains(f.Name))), null);
        await Application.Out.WriteAsync(RecordText.Of(schema, parsed.GetValue(name) ?? SourceName(path), Path.GetFileName(Path.TrimEndingDirectorySeparator(path))));
        return ExitCodes.Done;
    }

    // A glob's stars are no part of a name.
    static string SourceName(string path)
    {
        var plain = string.Concat(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path)).Where(c => char.IsLetterOrDigit(c) || c is '-' or '_')).Trim('-', '_');
        return plain.Length > 0 ? plain : "table";
    }

    /// <summary>The columns that have nulls, by statistics where there are any: most writers declare every column nullable, and a property that is not says more.</summary>
    static async Task<IReadOnlySet<string>> NullableAsync(ISourceSnapshot snapshot, CancellationToken cancel)
    {
        var fields = snapshot.Schema.FieldsList.Where(f => f.IsNullable).Select(f => f.Name).ToArray();
        long? Nulls(string column) => snapshot.Fragments.Aggregate((long?)0, (sum, f) => f.Statistics.TryGetValue(column, out var s) && s.Nulls >= 0 ? sum + s.Nulls : null);
        var nullable = fields.Where(f => Nulls(f) > 0).ToHashSet(StringComparer.Ordinal);
        var unknown = fields.Where(f => Nulls(f) is null).ToArray();
        var rows = snapshot.Fragments.Sum(f => Math.Max(0, f.Rows));
        if (unknown.Length > 0)
        {
            await foreach (var read in snapshot.ReadAsync(new ScanRequest(unknown), cancel))
            {
                using (read)
                {
                    rows += read.Batch.Length;
                    nullable.UnionWith(unknown.Where((_, i) => read.Batch.Column(i).NullCount > 0));
                }
            }
        }
        // Of no rows nothing is known.
        return rows == 0 ? fields.ToHashSet(StringComparer.Ordinal) : nullable;
    }
}
