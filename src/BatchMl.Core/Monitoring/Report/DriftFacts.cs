using System.Globalization;

namespace BatchMl.Monitoring;

/// <summary>What the report says of one column.</summary>
sealed record ColumnFacts(ColumnProfile Reference, ColumnProfile? Current, IReadOnlyList<ColumnDrift?> Drifts)
{
    public string Name => Reference.Name;

    public int Count(DriftLevel level) => Drifts.Count(d => d?.Level == level);

    /// <summary>The median of the partitions' PSI; NaN without any.</summary>
    public double MedianPsi
    {
        get
        {
            var psi = Drifts.OfType<ColumnDrift>().Select(d => d.Psi).Where(p => !double.IsNaN(p)).Order().ToArray();
            return psi.Length == 0 ? double.NaN : (psi[(psi.Length - 1) / 2] + psi[psi.Length / 2]) / 2;
        }
    }

    public double GreatestPsi => Drifts.OfType<ColumnDrift>().Select(d => d.Psi).Where(p => !double.IsNaN(p)).DefaultIfEmpty(double.NaN).Max();
}

/// <summary>The report's data, gathered by column: the score first, then the columns that drifted most.</summary>
sealed class DriftFacts
{
    /// <summary>The score's column in the reference and in every partition.</summary>
    public const string ScoreColumn = "score";

    public DriftFacts(DriftReportData data)
    {
        Data = data;
        var drifts = data.Partitions.Select(p => p.Columns.ToDictionary(c => c.Column, StringComparer.Ordinal)).ToArray();
        Columns =
        [
            .. data.Reference.Columns
                .Select(c => new ColumnFacts(c, Merged(data.Partitions, c), [.. drifts.Select(d => d.GetValueOrDefault(c.Name))]))
                .OrderByDescending(c => c.Name == ScoreColumn).ThenByDescending(c => c.Count(DriftLevel.Drift)).ThenByDescending(c => c.Count(DriftLevel.Warning))
                .ThenByDescending(c => c.MedianPsi).ThenBy(c => c.Name, StringComparer.Ordinal),
        ];
        var dated = data.Partitions.Count > 0 && data.Partitions.All(p => DateOnly.TryParseExact(p.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _));
        (One, Many) = dated ? ("day", "days") : ("partition", "partitions");
    }

    public DriftReportData Data { get; }

    public IReadOnlyList<ColumnFacts> Columns { get; }

    public IReadOnlyList<DriftReportPartition> Partitions => Data.Partitions;

    /// <summary>What a partition is called: a day, where all are.</summary>
    public string One { get; }

    public string Many { get; }

    public string Counted(int count) => $"{Numeral.Count(count)} {(count == 1 ? One : Many)}";

    /// <summary>On how many partitions a column has to drift to be counted in the summary: a tenth of them, so that a single odd day is not one.</summary>
    public int Often => Math.Max(1, (Partitions.Count + 9) / 10);

    static ColumnProfile? Merged(IReadOnlyList<DriftReportPartition> partitions, ColumnProfile reference)
    {
        ColumnProfile? all = null;
        foreach (var partition in partitions)
        {
            // A column may have had another type in the reference, or in a part of the period: these have nothing to compare.
            if (partition.Profile.Column(reference.Name) is not { } column || column.Categories is null != reference.Categories is null) continue;
            all = all is null ? column : all.Merge(column);
        }
        return all;
    }
}
