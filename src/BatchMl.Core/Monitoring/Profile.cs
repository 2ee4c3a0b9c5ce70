using System.Text.Json;
using System.Text.Json.Serialization;
using BatchMl.Kernel;
using BatchMl.Lineage;

namespace BatchMl.Monitoring;

/// <summary>
/// Mergeable statistics of a partition's columns: what drift is computed from, so that no row has to be kept. Stored as JSON beside each partition.
/// </summary>
/// <param name="Rows">Rows seen.</param>
/// <param name="Columns">By column, in schema order.</param>
public sealed record Profile(long Rows, IReadOnlyList<ColumnProfile> Columns)
{
    static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>A column; null if there is none.</summary>
    public ColumnProfile? Column(string name) => Columns.FirstOrDefault(c => c.Name == name);

    /// <summary>
    /// The profile of both parts together. Counts, extremes, sums and deviations are exact and do not depend on the order of merging; so do quantiles of up to <see cref="QuantileSketch.Capacity"/>
    /// values, and categories as long as all are listed. Beyond, quantiles keep the sketch's bound, and a category is counted where it was listed.
    /// </summary>
    /// <exception cref="DataException">They have other columns.</exception>
    public Profile Merge(Profile other)
    {
        if (!Columns.Select(c => c.Name).SequenceEqual(other.Columns.Select(c => c.Name)))
        {
            throw new DataException($"Profiles of other columns can not be merged: {string.Join(", ", Columns.Select(c => c.Name))} and {string.Join(", ", other.Columns.Select(c => c.Name))}.");
        }
        return new Profile(Rows + other.Rows, [.. Columns.Zip(other.Columns, (a, b) => a.Merge(b))]);
    }

    /// <summary>As JSON, stable byte for byte.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Reads <see cref="ToJson"/> back.</summary>
    /// <exception cref="DataException">Not such JSON.</exception>
    public static Profile FromJson(ReadOnlySpan<byte> json)
    {
        try
        {
            var profile = JsonSerializer.Deserialize<Profile>(json, Json);
            return profile is { Columns: not null } && profile.Columns.All(c => c is not null) && profile.Columns.DistinctBy(c => c.Name).Count() == profile.Columns.Count && profile.Columns.All(c => c.IsPossible)
                ? profile : throw new JsonException("it contradicts itself.");
        }
        catch (JsonException e)
        {
            throw new DataException($"This is not a profile: {e.Message} Make the partition again with --force.", e);
        }
    }

    /// <summary>For OpenLineage's dataQualityMetrics.</summary>
    public IReadOnlyList<ColumnQuality> ToQuality() => [.. Columns.Select(c => c.ToQuality())];
}

/// <summary>Statistics of one column: of numbers (booleans are 0 and 1) or of categories.</summary>
public sealed record ColumnProfile
{
    /// <summary>The column.</summary>
    public required string Name { get; init; }
    /// <summary>Rows.</summary>
    public required long Rows { get; init; }
    /// <summary>Nulls.</summary>
    public required long Nulls { get; init; }
    /// <summary>NaNs; not among the values below.</summary>
    public long NaNs { get; init; }
    /// <summary>Least value; null without any, and for categories.</summary>
    public double? Min { get; init; }
    /// <summary>Greatest value.</summary>
    public double? Max { get; init; }
    /// <summary>The exact sum of the values: these doubles add up to it, the first is the sum rounded once. Empty if it is zero, and for categories.</summary>
    public required IReadOnlyList<double> Sums { get; init; }
    /// <summary>The exact sum of the values' squares, in the same way.</summary>
    public required IReadOnlyList<double> Squares { get; init; }
    /// <summary>Sample of the values with weights; null for categories.</summary>
    public QuantileSketch? Quantiles { get; init; }
    /// <summary>Rows by category, the most frequent first (ties by name); null for numbers. Beyond <see cref="MaxCategories"/> the rest is in <see cref="OtherCategories"/>.</summary>
    public IReadOnlyList<CategoryCount>? Categories { get; init; }
    /// <summary>Rows of categories that are not listed.</summary>
    public long OtherCategories { get; init; }

    /// <summary>Categories that a profile lists.</summary>
    public const int MaxCategories = 1_000;

    /// <summary>Share of rows without a value (null or NaN).</summary>
    [JsonIgnore]
    public double MissingShare => Rows == 0 ? 0 : (double)(Nulls + NaNs) / Rows;

    /// <summary>Exact sum, rounded once; null without any value, and for categories.</summary>
    [JsonIgnore]
    public double? Sum => Min is null ? null : Sums.Count == 0 ? 0 : Sums[0];

    /// <summary>Mean; NaN without values.</summary>
    [JsonIgnore]
    public double Mean => Sum is { } sum ? sum / Values : double.NaN;

    /// <summary>
    /// Standard deviation (n - 1), from exact sums. NaN below two values, with an infinite one, and where squares leave the range of doubles: values beyond about 1e154, or all of them within about 1e-144 of zero.
    /// </summary>
    [JsonIgnore]
    public double Deviation
    {
        get
        {
            if (Values < 2 || Min is not { } min || Max is not { } max || !double.IsFinite(min) || !double.IsFinite(max)) return double.NaN;
            if (min == max) return 0;
            // Below this, digits of squares that no double can hold could be all that counts.
            if (Squares.Count == 0 || Squares[0] < Math.ScaleB(Values, -960)) return double.NaN;
            return Math.Sqrt(ExactSum.Variance(ExactParts.Sum(Sums), ExactParts.Sum(Squares), Values));
        }
    }

    long Values => Rows - Nulls - NaNs;

    // What no builder makes would only fail later, or count wrongly.
    internal bool IsPossible => Name is not null && Nulls >= 0 && NaNs >= 0 && Values >= 0 && OtherCategories >= 0 && Sums is not null && Squares is not null
        && (Categories is null) != (Quantiles is null) && (Categories is null || Categories.All(c => c?.Category is not null && c.Rows >= 0) && Categories.DistinctBy(c => c.Category).Count() == Categories.Count)
        && (Quantiles is null || Quantiles.Levels is not null && Quantiles.KeepUpper is not null && Quantiles.Levels.Count is > 0 and < 63 && Quantiles.Levels.All(l => l is not null) && Quantiles.Count == Values);

    internal ColumnProfile Merge(ColumnProfile other)
    {
        long rest = 0;
        var categories = Categories is null ? null : CategoryCount.Merge(Categories, other.Categories!, out rest);
        return this with
        {
            Rows = Rows + other.Rows,
            Nulls = Nulls + other.Nulls,
            NaNs = NaNs + other.NaNs,
            Min = Least(Min, other.Min),
            Max = -Least(-Max, -other.Max),
            Sums = ExactParts.Merge(Sums, other.Sums),
            Squares = ExactParts.Merge(Squares, other.Squares),
            Quantiles = Quantiles?.Merge(other.Quantiles!),
            Categories = categories,
            OtherCategories = OtherCategories + other.OtherCategories + rest,
        };
    }

    static double? Least(double? a, double? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);

    internal ColumnQuality ToQuality() => new(
        Name, Rows - Nulls, Nulls, Min, Max, Sum, Categories is null || OtherCategories > 0 ? null : Categories.Count,
        Quantiles is null || Quantiles.Count == 0 ? null : new[] { 0.05, 0.25, 0.5, 0.75, 0.95 }.ToDictionary(
            q => q.ToString(System.Globalization.CultureInfo.InvariantCulture), Quantiles.Quantile));
}

/// <summary>Rows of a category.</summary>
public sealed record CategoryCount(string Category, long Rows)
{
    internal static IReadOnlyList<CategoryCount> Merge(IReadOnlyList<CategoryCount> a, IReadOnlyList<CategoryCount> b, out long rest)
    {
        var counts = a.Concat(b).GroupBy(c => c.Category, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(c => c.Rows), StringComparer.Ordinal);
        return Listed(counts, out rest);
    }

    internal static IReadOnlyList<CategoryCount> Listed(IReadOnlyDictionary<string, long> counts, out long rest)
    {
        var ordered = counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => new CategoryCount(c.Key, c.Value)).ToArray();
        rest = ordered.Skip(ColumnProfile.MaxCategories).Sum(c => c.Rows);
        return ordered.Length <= ColumnProfile.MaxCategories ? ordered : ordered[..ColumnProfile.MaxCategories];
    }
}
