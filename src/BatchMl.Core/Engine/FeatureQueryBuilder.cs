using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>Resolves a query column by column and collects everything that is wrong with it.</summary>
sealed class FeatureQueryBuilder(FeatureQuery query)
{
    public List<string> Problems { get; } = [];
    public List<QueryColumn> Columns { get; } = [];
    public List<ResolvedView> Views { get; } = [];
    public List<DerivedFeature> Derived { get; } = [];
    public List<string> ModelFeatures { get; } = [];

    public void AddSpine()
    {
        var spine = query.Spine;
        CheckSources();
        if (spine.AsOfExpr is null && spine.Calendar is null)
        {
            Problems.Add($"The spine over source '{spine.Source.Name}' has no as_of: say as of when each row is asked for with .AsOf(…), or use Spine.Population with a calendar.");
        }
        foreach (var column in spine.Columns) Add(column.Name, column.Expr.Type, ColumnRole.Spine, "a spine column; give it another name with new { Other = … }");
        Add(FeatureQuery.AsOf, ColumnType.Timestamp, ColumnRole.AsOf, "the as_of column");
        var partition = query.PartitionExpr.Type;
        if (partition is not (ColumnType.Date or ColumnType.String))
        {
            Problems.Add($"The partition column '{spine.PartitionName}' is of type {partition}; a partition is a Date or a String.");
        }
        if (Find(spine.PartitionName) is not { } existing) Columns.Add(new(spine.PartitionName, partition, ColumnRole.Partition));
        else if (existing.Type != partition) Problems.Add($"The spine has a column '{spine.PartitionName}' of type {existing.Type} beside a partition column of that name and type {partition}; rename one.");
    }

    // One name is one table: two record types for it would be two truths about its columns.
    void CheckSources()
    {
        IEnumerable<Source> sources = [query.Spine.Source, .. (query.Service?.Views ?? []).Select(v => v.View.Source), .. query.Label is FutureLabel f ? [f.Source] : Array.Empty<Source>()];
        foreach (var source in sources.Where(s => s.UnknownDeletesAllowed && s.DeletedExpr is null).Distinct())
        {
            Problems.Add($"Source '{source.Name}' allows deletions of unknown facts, but says of no row that it deletes one. Declare .Fact(…, deleted: …), or leave .AllowUnknownDeletes() out.");
        }
        foreach (var named in sources.GroupBy(s => s.Name, StringComparer.Ordinal))
        {
            var types = named.Select(s => s.RecordType).Distinct().ToArray();
            if (types.Length > 1)
            {
                Problems.Add($"Two sources are called '{named.Key}', with different record types: {string.Join(" and ", types.Select(t => t.Name))}. Give one another name, or describe both by one record type.");
            }
        }
    }

    public void AddView(JoinedView join)
    {
        var view = join.View;
        var label = $"view of '{view.Source.Name}' by {string.Join(", ", view.Keys.Select(k => k.Name))}";
        CheckTime(view, label);
        IReadOnlyList<string> keys = join.Columns is { } chosen ? [.. chosen] : [.. view.Keys.Select(k => k.Name)];
        if (keys.Count != view.Keys.Count)
        {
            Problems.Add($"The {label} has a key of {view.Keys.Count} columns but is joined on {keys.Count}: {string.Join(", ", keys)}.");
            return;
        }
        for (var i = 0; i < keys.Count; i++)
        {
            if (Find(keys[i]) is not { } column)
            {
                Problems.Add($"The {label} is joined on '{keys[i]}', which is neither a spine column nor a feature of a view before it. There are: {Names()}. Add it to the spine, or name another with .On(…).");
            }
            else if (column.Type != view.Keys[i].Expr.Type)
            {
                Problems.Add($"The {label} has a key of type {view.Keys[i].Expr.Type}, but column '{keys[i]}' is of type {column.Type}.");
            }
        }
        var names = view.Features.Select(f => join.NamePrefix + f.Name).ToArray();
        foreach (var (feature, name) in view.Features.Zip(names))
        {
            Add(name, feature.Type, ColumnRole.Feature, $"a feature of the {label}; join it with .Prefix(\"{Proposal(keys)}\") to tell them apart");
        }
        Views.Add(new(join, keys, names));
    }

    void CheckTime(FeatureView view, string label)
    {
        var source = view.Source;
        if (source.EventTimeExpr is null && source.LookupReason is null)
        {
            Problems.Add($"The {label} has no event time, so the leak law can not hold for it. Declare .EventTime(…), or, for data without time, .Lookup(\"why it can not leak\").");
        }
        if (source.LookupReason is not null && view.Features.Any(f => f is WindowFeature))
        {
            Problems.Add($"The {label} is a look-up without time and has windows; a look-up gives latest values only.");
        }
        if (source.Validity is not null && view.Features.Any(f => f is WindowFeature))
        {
            Problems.Add($"The {label} has validity and windows; rows that hold over an interval give latest values only.");
        }
    }

    public void AddDerived(DerivedFeature derived)
    {
        var bound = derived.Expr.Substitute(column => Bind(derived.Name, column));
        Derived.Add(new(derived.Name, bound));
        Add(derived.Name, bound.Type, ColumnRole.Derived, "a derived feature; give it another name");
    }

    Expr? Bind(string feature, ColumnExpr column)
    {
        if (Find(column.Name) is not { } found)
        {
            Problems.Add($"The derived feature '{feature}' reads column '{column.Name}', which does not exist before it. There are: {Names()}.");
            return null;
        }
        if (found.Type == column.Type) return null;
        if (column.Type == ColumnType.Double && found.Type == ColumnType.Int64)
        {
            return new UnaryExpr(UnaryOperator.ToDouble, new ColumnExpr(column.Name, ColumnType.Int64), ColumnType.Double);
        }
        Problems.Add($"The derived feature '{feature}' reads column '{column.Name}' as {column.Type}, but it is of type {found.Type}.");
        return null;
    }

    public void AddLabel()
    {
        switch (query.Label)
        {
            case ColumnLabel column:
                Add(column.Name, column.Value.Type, ColumnRole.Label, "the label; give it another name");
                break;
            case FutureLabel future:
                if (future.Source.EventTimeExpr is null)
                {
                    Problems.Add($"The label '{future.Name}' counts facts of '{future.Source.Name}' in a time after as_of, but that source has no event time. Declare .EventTime(…).");
                }
                foreach (var key in future.Keys)
                {
                    if (Find(key.Name) is not { } found) Problems.Add($"The label '{future.Name}' is keyed by '{key.Name}', which is not a spine column. There are: {Names()}.");
                    else if (found.Type != key.Expr.Type) Problems.Add($"The label '{future.Name}' has a key of type {key.Expr.Type}, but column '{key.Name}' is of type {found.Type}.");
                }
                Add(future.Name, future.Result.Type, ColumnRole.Label, "the label; give it another name");
                break;
            default:
                return;
        }
        Add(FeatureQuery.LabelKnownAt, ColumnType.Timestamp, ColumnRole.LabelKnownAt, "the time at which the label is known");
    }

    public void ChooseFeatures()
    {
        if (query.Service is not { } service) return;
        foreach (var name in service.SpineColumns.Concat(service.Hidden).Where(n => Find(n) is null))
        {
            Problems.Add($"Service '{service.Name}' names column '{name}', which does not exist. There are: {Names()}.");
        }
        var candidates = Views.SelectMany(v => v.FeatureNames).Concat(service.SpineColumns).Concat(Derived.Select(d => d.Name));
        ModelFeatures.AddRange(candidates.Except(service.Hidden));
    }

    void Add(string name, ColumnType type, ColumnRole role, string remedy)
    {
        if (Find(name) is { } existing) Problems.Add($"Two columns are called '{name}': one is a {existing.Role} column, the other {remedy}.");
        else Columns.Add(new(name, type, role));
    }

    QueryColumn? Find(string name) => Columns.FirstOrDefault(c => c.Name == name);

    string Names() => string.Join(", ", Columns.Select(c => c.Name));

    static string Proposal(IReadOnlyList<string> keys) => (keys.Count > 0 ? keys[0] : "view") + "_";
}
