using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;
using BatchMl.Jobs;

namespace BatchMl.Testing.Internals;

/// <summary>What a test asks: features and a label, with the columns that one has to give to ask it directly, and the spine's own rows where there is a spine.</summary>
sealed class Question
{
    const string Asked = "rows of the test";

    Question(FeatureQuery direct, FeatureQuery? spine, IReadOnlyList<SourceColumn> keys, string name) => (Direct, Spine, Keys, Name) = (direct, spine, keys, name);

    /// <summary>For rows that the test brings.</summary>
    public FeatureQuery Direct { get; }

    /// <summary>For the spine's rows; null: there is none.</summary>
    public FeatureQuery? Spine { get; }

    /// <summary>What has to be given beside the instant.</summary>
    public IReadOnlyList<SourceColumn> Keys { get; }

    /// <summary>For messages.</summary>
    public string Name { get; }

    /// <summary>All sources that can be given.</summary>
    public IReadOnlyList<Source> Sources => [.. SourcesOf(Direct).Concat(Spine is null ? [] : SourcesOf(Spine).Append(Spine.Spine.Source)).Where(s => s.Name != Asked).Distinct()];

    public static Question Of(FeatureService? service, Label? label, string name)
    {
        var keys = Needed(service, label).DistinctBy(c => c.Name).ToArray();
        return new Question(GivenRows.Ask(keys, service, label, Asked, FeatureQuery.AsOf), null, keys, name);
    }

    public static Question Of(FeatureQuery query, string name)
    {
        var future = query.Label as FutureLabel;
        var keys = GivenRows.Needed(query).Select(c => new SourceColumn(c.Name, c.Type, true))
            .Concat(future is null ? [] : future.Keys.Select(k => new SourceColumn(k.Name, k.Expr.Type, true))).DistinctBy(c => c.Name).ToArray();
        return new Question(GivenRows.Ask(keys, query.Service, future, Asked, FeatureQuery.AsOf), query, keys, name);
    }

    /// <summary>Answers for rows that the test brings: key values in the order of <see cref="Keys"/>, then the instant.</summary>
    public Answer Ask(IReadOnlyList<object?[]> rows, IReadOnlyDictionary<string, RowTable> tables) => Answer.Of(Direct, With(rows, tables), null, null);

    /// <summary>Where the values of such a row come from.</summary>
    public IReadOnlyList<Explanation> Explain(object?[] row, IReadOnlyDictionary<string, RowTable> tables, DateTimeOffset asOf) =>
        Answer.Explain(Direct, With([row], tables), new Dictionary<string, string>(), asOf);

    Func<string, IBatchSource> With(IReadOnlyList<object?[]> rows, IReadOnlyDictionary<string, RowTable> tables)
    {
        // As_of may be one of the keys.
        SourceColumn[] columns = Keys.Any(k => k.Name == FeatureQuery.AsOf) ? [.. Keys] : [.. Keys, new SourceColumn(FeatureQuery.AsOf, ColumnType.Timestamp, true)];
        var asked = RowTable.Of(Asked, columns, [.. rows.Select(r => r[..columns.Length])]);
        return name => name == Asked ? asked : tables[name];
    }

    /// <summary>Answers for the spine's rows whose partition is near an instant.</summary>
    public Answer AskSpine(DateTimeOffset near, IReadOnlyDictionary<string, RowTable> tables)
    {
        var day = DateOnly.FromDateTime(near.UtcDateTime);
        return Answer.Of(Spine!, name => tables[name], day.AddDays(-3), day.AddDays(4));
    }

    static IEnumerable<Source> SourcesOf(FeatureQuery query) => query.Views.Select(v => v.View.Source).Concat(query.Label is FutureLabel f ? [f.Source] : Array.Empty<Source>());

    static IEnumerable<SourceColumn> Needed(FeatureService? service, Label? label)
    {
        var made = new HashSet<string>([FeatureQuery.AsOf], StringComparer.Ordinal);
        foreach (var join in service?.Views ?? [])
        {
            foreach (var (key, i) in join.View.Keys.Select((k, i) => (k, i)))
            {
                var name = join.Columns is { } chosen ? chosen[i] : key.Name;
                if (!made.Contains(name)) yield return new SourceColumn(name, key.Expr.Type, true);
            }
            made.UnionWith(join.View.Features.Select(f => join.NamePrefix + f.Name));
        }
        foreach (var derived in service?.Derived ?? [])
        {
            var read = new List<ColumnExpr>();
            derived.Expr.Substitute(column => { read.Add(column); return null; });
            foreach (var column in read.Where(c => !made.Contains(c.Name))) yield return new SourceColumn(column.Name, column.Type, true);
            made.Add(derived.Name);
        }
        foreach (var key in (label as FutureLabel)?.Keys ?? []) yield return new SourceColumn(key.Name, key.Expr.Type, true);
    }
}
