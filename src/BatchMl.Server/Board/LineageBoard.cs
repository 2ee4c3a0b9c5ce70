using BatchMl.Lineage;

namespace BatchMl.Server.Board;

/// <summary>What a column of a dataset is made from.</summary>
/// <param name="Column">The column; <c>*</c>: every column.</param>
/// <param name="Type">Its type; null of <c>*</c>.</param>
/// <param name="Inputs">What it is made from; empty: nothing that is read (a constant, a run's id).</param>
public sealed record ColumnLineageView(string Column, string? Type, IReadOnlyList<ColumnInputView> Inputs);

/// <summary>A column that another is made from.</summary>
/// <param name="Dataset">Its dataset, as lineage names it.</param>
/// <param name="Field">The column.</param>
/// <param name="How">Each way in which it gets there, e.g. <c>aggregation</c>.</param>
public sealed record ColumnInputView(string Dataset, string Field, IReadOnlyList<string> How);

/// <summary>Where a dataset comes from, and what is made from it, by the definitions of jobs: known before any row moves.</summary>
/// <param name="Dataset">As lineage names it.</param>
/// <param name="Inputs">Datasets read.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="UsedBy">Datasets made from it by other jobs: ours, by name.</param>
public sealed record LineageView(string Dataset, IReadOnlyList<string> Inputs, IReadOnlyList<ColumnLineageView> Columns, IReadOnlyList<string> UsedBy);

/// <summary>Lineage of datasets, read off the latest plans.</summary>
sealed class LineageBoard(PlanBoard plans)
{
    /// <summary>Of a dataset; null: its job was not planned yet.</summary>
    public LineageView? Of(DatasetView dataset)
    {
        if (dataset.Job is null || plans.Of(dataset.Job)?.Lineage is not { } lineage) return null;
        var columns = lineage.Output.Fields.Select(f => new ColumnLineageView(f.Name, f.Type, Inputs(lineage.Columns.GetValueOrDefault(f.Name) ?? []))).ToList();
        if (lineage.DatasetOrigins.Count > 0) columns.Add(new ColumnLineageView("*", null, Inputs(lineage.DatasetOrigins)));
        var users = plans.Jobs.Where(j => plans.Of(j.Name)?.Lineage?.Inputs.Any(i => i.Name == lineage.Output.Name) == true).Select(j => j.Name);
        return new LineageView(lineage.Output.Name.Name, [.. lineage.Inputs.Select(i => i.Name.Name)], columns, [.. users]);
    }

    static IReadOnlyList<ColumnInputView> Inputs(IReadOnlyList<ColumnOrigin> origins) =>
        [.. origins.GroupBy(o => (o.Dataset, o.Field)).Select(g => new ColumnInputView(g.Key.Dataset.Name, g.Key.Field, [.. g.Select(o => o.Transformation.ToString().ToLowerInvariant()).Distinct()]))];
}
