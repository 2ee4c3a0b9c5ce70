using System.Globalization;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Training;

/// <summary>
/// Which training rows a training set keeps, and with what weight: the reciprocal of the chance (or the share) with which a row was kept, so that weighted sums over the kept rows estimate sums over all (Horvitz and Thompson, 1952).
/// What is kept follows from the seed and the rows' own values: neither from their order, nor from partitions, threads or the engine. Validation and test rows are all kept, with weight 1: a model is chosen and judged by
/// rows as they are.
/// </summary>
public abstract record Sampling
{
    /// <summary>The column that a sampled training set has beside <c>split</c>.</summary>
    public const string WeightColumn = "weight";

    internal Sampling()
    {
    }

    /// <summary>Another seed keeps other rows. Default 1.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Of rows with a label a share, each by itself: what is rare is kept whole, what is frequent is thinned out. Rows that are equal in all columns of the spine are kept or left out together.
    /// </summary>
    /// <param name="shares">Labels with the share to keep of them, above 0 and at most 1; a boolean label is 0 or 1. Other labels are kept whole.</param>
    public static Sampling PerClass(params IReadOnlyList<(double Label, double Share)> shares) => new PerClassSampling([.. shares]);

    /// <summary>At most so many rows of each group, drawn without replacement; a row's weight is the group's rows over those kept.</summary>
    /// <param name="rows">At least 1. While the set is made, 8 bytes are held for each of them and each group.</param>
    /// <param name="columns">Columns of the spine or features; rows that are equal in all of them are a group, those with a null as well.</param>
    public static Sampling PerGroup(int rows, params IReadOnlyList<string> columns) => new PerGroupSampling(rows, [.. columns]);

    /// <summary>A share of the values of some columns, with all of their rows: e.g. a tenth of the customers, each with its whole history.</summary>
    /// <param name="share">Above 0 and at most 1.</param>
    /// <param name="columns">Columns of the spine or features.</param>
    public static Sampling ByHash(double share, params IReadOnlyList<string> columns) => new HashSampling(share, [.. columns]);

    /// <summary>All that is wrong with it for a query.</summary>
    internal IEnumerable<string> Problems(FeatureQuery query)
    {
        foreach (var problem in Problems()) yield return problem;
        var there = query.Columns.Select(c => c.Name).ToArray();
        foreach (var missing in Columns.Except(there)) yield return $"it names column '{missing}', which neither the spine nor the features have: {string.Join(", ", there)}";
        if (there.Contains(WeightColumn)) yield return $"the spine or the features have a column '{WeightColumn}', which is to hold the weights; rename it";
        if (this is PerClassSampling && query.Columns.FirstOrDefault(c => c.Role == ColumnRole.Label) is { } label && label.Type is not (ColumnType.Boolean or ColumnType.Int64 or ColumnType.Double))
            yield return $"the label '{label.Name}' is {label.Type}; expected Boolean, Int64 or Double to keep a share of each";
    }

    private protected abstract IEnumerable<string> Problems();

    /// <summary>Columns whose values decide.</summary>
    internal virtual IReadOnlyList<string> Columns => [];

    private protected static IEnumerable<string> OfShare(double share, string of)
    {
        if (share is not (> 0 and <= 1)) yield return $"the share {of} is {share.ToString(CultureInfo.InvariantCulture)}; expected above 0 and at most 1";
    }

    private protected static IEnumerable<string> OfColumns(IReadOnlyList<string> columns)
    {
        if (columns.Count == 0) yield return "it names no columns; expected at least one";
    }

    private protected string WithSeed(FormattableString text) => FormattableString.Invariant($"{FormattableString.Invariant(text)}, seed {Seed}");
}

sealed record PerClassSampling(IReadOnlyList<(double Label, double Share)> Shares) : Sampling
{
    private protected override IEnumerable<string> Problems() =>
    [
        .. Shares.Count == 0 ? ["it names no labels; expected at least one"] : Array.Empty<string>(),
        .. Shares.SelectMany(s => OfShare(s.Share, FormattableString.Invariant($"of label {s.Label}"))),
        .. Shares.GroupBy(s => s.Label).Where(g => g.Count() > 1).Select(g => FormattableString.Invariant($"label {g.Key} is named {g.Count()} times; expected once")),
    ];

    public override string ToString() => WithSeed($"of training rows a share by label: {string.Join(", ", Shares.Select(s => FormattableString.Invariant($"{s.Label} {s.Share}")))}");
}

sealed record PerGroupSampling(int Rows, IReadOnlyList<string> Groups) : Sampling
{
    internal override IReadOnlyList<string> Columns => Groups;

    private protected override IEnumerable<string> Problems() => [.. Rows < 1 ? [FormattableString.Invariant($"it keeps {Rows} rows of each group; expected at least 1")] : Array.Empty<string>(), .. OfColumns(Columns)];

    public override string ToString() => WithSeed($"of training rows at most {Rows} of each {string.Join(", ", Columns)}");
}

sealed record HashSampling(double Share, IReadOnlyList<string> Values) : Sampling
{
    internal override IReadOnlyList<string> Columns => Values;

    private protected override IEnumerable<string> Problems() => [.. OfShare(Share, "to keep"), .. OfColumns(Columns)];

    public override string ToString() => WithSeed($"of training rows those of a share of {Share} of the values of {string.Join(", ", Columns)}");
}
