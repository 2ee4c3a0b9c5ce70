using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Expressions;
using BatchMl.Runs;

namespace BatchMl.Engine;

/// <summary>A query as text: what <c>plan</c> shows and what a fingerprint covers, from one place, so that nothing decides a result without being seen.</summary>
static class QueryText
{
    /// <summary>Digest of the definitions: everything about a query that can change a result, and <paramref name="more"/>.</summary>
    public static string Digest(FeatureQuery query, params IEnumerable<string> more)
    {
        var lines = Describe(query).SelectMany(s => s.Lines.Prepend(s.Title)).Concat(more);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
    }

    public static IReadOnlyList<PlanSection> Describe(FeatureQuery query)
    {
        var sections = new List<PlanSection> { new("spine", [.. SpineLines(query)]) };
        foreach (var view in query.Views) sections.Add(new($"view {view.View.Source.Name} on {string.Join(", ", view.KeyColumns)}", [.. ViewLines(view)]));
        if (query.Derived.Count > 0) sections.Add(new("derived features", [.. query.Derived.Select(d => $"{d.Name} = {d.Expr}")]));
        if (query.Service is { } service) sections.Add(new("feature service", [$"{service.Name}@{service.Version}, {query.ModelFeatures.Count} features: {string.Join(", ", query.ModelFeatures)}"]));
        if (query.Label is { } label) sections.Add(new("label", [LabelLine(label)]));
        return sections;
    }

    /// <summary>What each column of a query is, by its name, for whoever reads the column and has no plan at hand.</summary>
    public static IReadOnlyDictionary<string, string> Definitions(FeatureQuery query)
    {
        var definitions = query.Spine.Columns.ToDictionary(c => c.Name, c => $"{c.Expr} of '{query.Spine.Source.Name}'", StringComparer.Ordinal);
        foreach (var view in query.Views)
        {
            foreach (var (text, name) in FeatureLines(view).Zip(view.FeatureNames)) definitions[name] = $"{text} of '{view.View.Source.Name}' by {string.Join(", ", view.KeyColumns)}; T is as_of";
        }
        foreach (var derived in query.Derived) definitions[derived.Name] = derived.Expr.ToString()!;
        return definitions;
    }

    static IEnumerable<string> SpineLines(FeatureQuery query)
    {
        var spine = query.Spine;
        yield return $"rows of source '{spine.Source.Name}'{SourceRules(spine.Source)}";
        if (spine.WhereExpr is { } where) yield return $"where {where}";
        yield return spine.Calendar is { } calendar
            ? $"as_of = every {(calendar.Days.Count == 0 ? "day" : string.Join(", ", calendar.Days))} {calendar.Time.ToString("HH:mm", CultureInfo.InvariantCulture)} {calendar.Zone}"
            : $"as_of = {spine.AsOfExpr}";
        foreach (var column in spine.Columns) yield return $"{column.Name} = {column.Expr}";
        yield return $"partition {spine.PartitionName} = {query.PartitionExpr}";
    }

    static IEnumerable<string> ViewLines(ResolvedView resolved)
    {
        var view = resolved.View;
        yield return $"key ({string.Join(", ", view.Keys.Select(k => $"{k.Name} = {k.Expr}"))}){SourceRules(view.Source)}";
        if (view.TtlMicroseconds is { } ttl) yield return $"ttl {Span(ttl)}, both ends inclusive";
        foreach (var (text, name) in FeatureLines(resolved).Zip(resolved.FeatureNames)) yield return $"{name} = {text}";
    }

    /// <summary>How each feature of a view is defined.</summary>
    public static IEnumerable<string> FeatureLines(ResolvedView resolved) => resolved.View.Features.Select(FeatureText);

    static string FeatureText(Feature feature) => feature switch
    {
        LatestFeature latest => $"{(latest.NonNull ? "latest non-null" : "latest")} {latest.Value}",
        WindowFeature w => $"{WithAggregates(w.Result, w.Aggregates)} over {WindowText(w.Window)}",
        _ => feature.Name,
    };

    static string WithAggregates(Expr result, IReadOnlyList<Aggregate> aggregates)
    {
        var text = result.ToString();
        for (var i = aggregates.Count - 1; i >= 0; i--) text = text.Replace($"${i}", aggregates[i].ToString(), StringComparison.Ordinal);
        return text;
    }

    static string WindowText(WindowSpec window)
    {
        var end = window.EndsBefore == 0 ? "T" : $"T-{Span(window.EndsBefore)}";
        var start = $"{end}-{Span(window.Length)}";
        var interval = Interval(window.Convention, start, end);
        return window.Axis == WindowAxis.EventTime ? interval : $"{interval} by the time it became known";
    }

    /// <summary>A window's interval between two ends.</summary>
    public static string Interval(WindowConvention convention, string start, string end) => convention switch
    {
        WindowConvention.OpenClosed => $"({start}, {end}]",
        WindowConvention.ClosedOpen => $"[{start}, {end})",
        _ => $"[{start}, {end}]",
    };

    static string LabelLine(Label label) => label switch
    {
        ColumnLabel column => $"{column.Name} = {column.Value}, known at {column.KnownAt}",
        FutureLabel future => $"{future.Name} = {WithAggregates(future.Result, future.Aggregates)} of '{future.Source.Name}' in (T, T+{Span(future.Horizon)}], "
            + $"mature at T+{Span(FragmentPruning.Add(future.Horizon, future.Lateness))}{SourceRules(future.Source)}",
        _ => label.Name,
    };

    static string SourceRules(Source source)
    {
        var rules = new StringBuilder();
        if (source.LookupReason is { } reason) rules.Append($"; LOOK-UP WITHOUT TIME, exempt from the leak law: {reason}");
        if (source.EventTimeExpr is { } happened) rules.Append($"; event time {happened}");
        if (source.IgnoresAvailability) rules.Append("; AVAILABILITY IGNORED: counts as known at its event time");
        else if (source.AvailableAtExpr is { } known) rules.Append($"; available at {known}");
        if (source.TieBreakExprs.Count > 0) rules.Append($"; ties by {string.Join(", ", source.TieBreakExprs)}");
        if (source.TiesAllowed) rules.Append("; ties allowed");
        if (source.FactExprs is { } fact) rules.Append($"; versions of facts ({string.Join(", ", fact)}){(source.DeletedExpr is { } d ? $" deleted by {d}" : "")}");
        if (source.UnknownDeletesAllowed) rules.Append("; deletions of unknown facts allowed");
        if (source.Validity is { } v) rules.Append($"; valid [{v.From}, {v.To}){(v.ClosedKnownAt is { } c ? $" closing known at {c}" : "")}");
        if (source.WhereExpr is { } where) rules.Append($"; only where {where}");
        return rules.ToString();
    }

    /// <summary>A span in the largest unit that divides it, e.g. <c>24h</c>.</summary>
    public static string Span(long microseconds) => microseconds switch
    {
        0 => "0",
        _ when microseconds % 86_400_000_000 == 0 && microseconds / 86_400_000_000 > 3 => $"{microseconds / 86_400_000_000}d",
        _ when microseconds % 3_600_000_000 == 0 => $"{microseconds / 3_600_000_000}h",
        _ when microseconds % 60_000_000 == 0 => $"{microseconds / 60_000_000}min",
        _ when microseconds % 1_000_000 == 0 => $"{microseconds / 1_000_000}s",
        _ => $"{microseconds}us",
    };
}
