using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Scoring;

/// <summary>
/// The columns of scored rows, known before any row moves: passed-through columns, the model's outputs, <c>model_name</c>, <c>model_version</c>, <c>model_digest</c>,
/// <c>feature_service</c> (<c>name@version</c>), <c>as_of</c>, <c>scored_at</c>, <c>run_id</c>, what a challenger gives (<c>challenger_</c> before the name of each of its outputs, null where it gave none, <c>challenger_error</c> with the reason,
/// <c>challenger_model_name</c>, <c>challenger_model_version</c>, <c>challenger_model_digest</c>), and the partition column.
/// </summary>
public sealed class ScoreLayout
{
    /// <summary>What names of a challenger's columns begin with.</summary>
    public const string ChallengerPrefix = "challenger_";

    /// <summary>The column that says why a challenger gave nothing.</summary>
    public const string ChallengerError = ChallengerPrefix + "error";

    readonly HashSet<string> spine;

    /// <summary>The layout for a query scored by a model.</summary>
    /// <param name="model">Its outputs are columns.</param>
    /// <param name="input">The query's columns; exactly one has the role AsOf, and one, a Date or String, the role Partition.</param>
    /// <param name="passThrough">Columns of the query to keep, in this order; <c>as_of</c> and the partition column are kept anyway and may be named.</param>
    /// <param name="challenger">Scores beside the model; null: nobody does.</param>
    /// <param name="definitions">What columns of the query are, by name: their descriptions; null: they have none.</param>
    /// <exception cref="DefinitionException">A column to keep does not exist, two columns have one name, or as_of or partition are not there; all at once.</exception>
    public ScoreLayout(ModelManifest model, IReadOnlyList<QueryColumn> input, IReadOnlyList<string> passThrough, ModelManifest? challenger = null, IReadOnlyDictionary<string, string>? definitions = null)
    {
        var problems = new List<string>();
        AsOf = One(input, ColumnRole.AsOf, problems);
        Partition = One(input, ColumnRole.Partition, problems);
        if (Partition is { Type: not (ColumnType.Date or ColumnType.String) })
            problems.Add($"The partition column {Partition.Name} is {Partition.Type}; expected Date or String. Partition the spine by a date or a text.");
        PassThrough = [.. passThrough.Where(name => name != AsOf.Name && name != Partition.Name)];
        var byName = input.GroupBy(c => c.Name).ToDictionary(g => g.Key, g => g.First());
        foreach (var name in PassThrough.Where(name => !byName.ContainsKey(name)))
            problems.Add($"Column {name} is to be kept beside the scores, but the query has no such column: {string.Join(", ", byName.Keys)}. Select it in the spine or remove it from the output.");

        Field[] fields = [
            .. PassThrough.Where(byName.ContainsKey).Select(name => Described(name, Columns.ArrowType(byName[name].Type), definitions?.GetValueOrDefault(name), nullable: true)),
            .. model.Signature.Outputs.Select(o => Described(o.Name, ModelArrays.ArrowType(o.Type), $"Output of the model {model.Name}")),
            Described("model_name", StringType.Default, "The model that scored"), Described("model_version", Int64Type.Default, "Its version"), Described("model_digest", StringType.Default, "Digest of its package"),
            Described("feature_service", StringType.Default, "The features that it was given, name@version"), Described(AsOf.Name, Columns.ArrowType(AsOf.Type), "The instant that the features are of: nothing known later is in them"),
            Described("scored_at", Columns.UtcMicroseconds, "When the row was scored"), Described("run_id", StringType.Default, "The run that scored it"),
            .. challenger is null ? [] : Challenging(challenger), Described(Partition.Name, Columns.ArrowType(Partition.Type), "The partition"),
        ];
        foreach (var twice in fields.GroupBy(f => f.Name).Where(g => g.Count() > 1))
            problems.Add($"The output would have {twice.Count()} columns named {twice.Key}. Rename the spine's column or the model's output.");
        if (problems.Count > 0) throw new DefinitionException(problems);
        Schema = new Schema(fields, null);
        spine = [.. input.Where(c => c.Role is ColumnRole.Spine or ColumnRole.AsOf or ColumnRole.Partition).Select(c => c.Name)];
    }

    /// <summary>The schema of scored rows.</summary>
    public Schema Schema { get; }

    const string Description = "description";

    static IEnumerable<Field> Challenging(ModelManifest challenger) =>
    [
        .. challenger.Signature.Outputs.Select(o => Described(ChallengerPrefix + o.Name, ModelArrays.ArrowType(o.Type), $"Output of the challenger {challenger.Name}; null where it could not score the row", nullable: true)),
        Described(ChallengerError, StringType.Default, "Why the challenger could not score the row", nullable: true), Described(ChallengerPrefix + "model_name", StringType.Default, "The challenger"),
        Described(ChallengerPrefix + "model_version", Int64Type.Default, "Its version"), Described(ChallengerPrefix + "model_digest", StringType.Default, "Digest of its package"),
    ];

    static Field Described(string name, IArrowType type, string? description, bool nullable = false) => new(name, type, nullable, description is null ? null : [KeyValuePair.Create(Description, description)]);

    /// <summary>What a column of a schema is, in a few words; null: it does not say.</summary>
    public static string? DescriptionOf(Field field) => field.HasMetadata ? field.Metadata.GetValueOrDefault(Description) : null;

    internal IReadOnlyList<string> PassThrough { get; }

    internal QueryColumn AsOf { get; }

    internal QueryColumn Partition { get; }

    /// <summary>The stage of a dead letter for a column that could not be computed.</summary>
    internal string StageOf(string column) => spine.Contains(column) ? "spine" : "features";

    static QueryColumn One(IReadOnlyList<QueryColumn> input, ColumnRole role, List<string> problems)
    {
        QueryColumn[] found = [.. input.Where(c => c.Role == role)];
        if (found.Length == 1) return found[0];
        problems.Add($"The query has {found.Length} columns of role {role}; expected one.");
        return new($"({role})", ColumnType.String, role);
    }
}
