using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting.Output;
using BatchMl.Jobs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Computes a job's features for the rows of any file.</summary>
sealed class FeaturesVerb : Verb
{
    readonly Argument<string> job;
    readonly Option<string> spine, output, asOf;
    readonly Option<string?> memory, workspace;
    readonly Option<string[]> set;
    readonly Option<bool> json;

    public FeaturesVerb(BatchMlApplication application) : base(application, "features", "Compute a job's features for the rows of any file of keys and instants: what was known as of each row")
    {
        job = JobName();
        spine = Add(new Option<string>("--spine") { Description = "Parquet, CSV or JSON file with the columns that the features need, and others that pass through", HelpName = "FILE", Required = true });
        output = Add(new Option<string>("--out") { Description = "File to write, .parquet or .csv: the rows in their order, and beside them the features", HelpName = "FILE", Required = true });
        asOf = Add(new Option<string>("--as-of") { Description = "The column that says as of when each row is asked for", HelpName = "COLUMN", DefaultValueFactory = _ => FeatureQuery.AsOf });
        memory = Add(new Option<string?>("--memory") { Description = "Memory for features, e.g. 4GiB; beyond it data goes to disk. Default: half of the machine's", HelpName = "SIZE" });
        set = Add(new Option<string[]>("--set") { Description = "A setting; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
        workspace = Workspace();
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var query = QueryOf(Find(parsed.GetValue(job)!));
        var (from, to, bytes) = (Path.GetFullPath(parsed.GetValue(spine)!), Path.GetFullPath(parsed.GetValue(output)!), Bytes(parsed.GetValue(memory)));
        if (from == to) throw new DefinitionException($"--out is {to}, which is the spine. Expected another file.");
        if (!Application.TableFiles.TryGetValue(Path.GetExtension(to).ToLowerInvariant(), out var create))
        {
            throw new DefinitionException($"--out is {to}; expected a file that ends in {string.Join(" or ", Application.TableFiles.Keys.Order(StringComparer.Ordinal))}.");
        }
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), Settings(parsed, set), bytes));
        var column = parsed.GetValue(asOf)!;
        using var features = await FeatureTable.OpenAsync(query, await OpenAsync(session, query, from, column, cancel), from, column, session.Environment, bytes, cancel);
        long rows = 0;
        await NewFile.WriteAsync(to, async temporary =>
        {
            using var file = create(temporary, features.Schema);
            await foreach (var batch in features.ReadAsync(cancel))
            {
                file.Write(batch);
                rows += batch.Length;
            }
            file.Complete();
        });
        if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(new { @out = to, rows, features = features.FeatureCount }, JsonText.Indented));
        else await Application.Out.WriteLineAsync($"{rows.ToString("N0", CultureInfo.InvariantCulture)} rows with {features.FeatureCount} features in {to}.");
        return ExitCodes.Done;
    }

    // The types of a text file's columns are guesses, where the job knows better: an aircraft's number may look like a whole number in this file.
    async Task<ISourceSnapshot> OpenAsync(Session session, FeatureQuery query, string path, string column, CancellationToken cancel)
    {
        var snapshot = await session.OpenFile(path, new Dictionary<string, string>()).OpenAsync(cancel);
        if (SourceBindings.FormatOfPath(path) == "parquet") return snapshot;
        var types = FeatureTable.Needed(query).Select(c => (c.Name, c.Type)).Append((Name: column, Type: ColumnType.Timestamp)).DistinctBy(c => c.Name)
            .Where(c => snapshot.Schema.GetFieldIndex(c.Name) is var at and >= 0 && Columns.TypeOf(snapshot.Schema.GetFieldByIndex(at).DataType) != c.Type).ToDictionary(c => c.Name, c => DuckDbWord(c.Type));
        if (types.Count == 0) return snapshot;
        snapshot.Dispose();
        return await session.OpenFile(path, types).OpenAsync(cancel);
    }

    static string DuckDbWord(ColumnType type) => type switch
    {
        ColumnType.Boolean => "BOOLEAN",
        ColumnType.Int64 => "BIGINT",
        ColumnType.Double => "DOUBLE",
        ColumnType.String => "VARCHAR",
        ColumnType.Timestamp => "TIMESTAMPTZ",
        ColumnType.Date => "DATE",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
