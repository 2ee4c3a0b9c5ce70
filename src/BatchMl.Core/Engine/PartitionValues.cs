using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Engine;

/// <summary>The partition values of a batch's rows.</summary>
sealed class PartitionValues
{
    readonly Date32Array? dates;
    readonly StringArray? texts;
    readonly Dictionary<int, string> dateTexts = [];

    PartitionValues(IArrowArray values) => (dates, texts) = (values as Date32Array, values as StringArray);

    /// <summary>Evaluates the partition expression; a null is an error, since a row without a partition has nowhere to go.</summary>
    public static PartitionValues Of(LocatedBatch batch, FeatureQuery query)
    {
        var values = batch.Evaluate(query.PartitionExpr);
        for (var i = 0; values.NullCount > 0 && i < values.Length; i++)
        {
            if (values.IsNull(i))
            {
                throw new DataException(
                    $"{batch.Describe(i)}: the partition column '{query.Spine.PartitionName}' is null, so the row has no partition to go to. "
                    + $"Expected a value of {query.PartitionExpr}. Exclude such rows with .Where(…), or partition by a column that is never null.");
            }
        }
        return new PartitionValues(values);
    }

    /// <summary>Whether a row's date is in <c>[from, to)</c>; texts always are.</summary>
    public bool IsIn(int row, DateOnly? from, DateOnly? to)
    {
        if (dates is null) return true;
        var day = dates.Values[row];
        return !(from is { } start && day < FragmentPruning.Days(start)) && !(to is { } end && day >= FragmentPruning.Days(end));
    }

    /// <summary>The rows of some partitions, in order.</summary>
    public int[] In(IReadOnlySet<string> partitions)
    {
        var rows = new int[dates?.Length ?? texts!.Length];
        var count = 0;
        var isWanted = false;
        for (var i = 0; i < rows.Length; i++)
        {
            // Neighbours are of one partition as a rule.
            if (i == 0 || !IsSame(i, i - 1)) isWanted = partitions.Contains(Text(i));
            if (isWanted) rows[count++] = i;
        }
        return count == rows.Length ? rows : rows[..count];
    }

    bool IsSame(int a, int b) => dates is not null ? dates.Values[a] == dates.Values[b] : texts!.GetBytes(a).SequenceEqual(texts.GetBytes(b));

    /// <summary>A row's value as partition text.</summary>
    public string Text(int row)
    {
        if (dates is null) return texts!.GetString(row);
        var day = dates.Values[row];
        if (!dateTexts.TryGetValue(day, out var text)) dateTexts[day] = text = FormatDate(FragmentPruning.Date(day));
        return text;
    }

    public static string FormatDate(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static DateOnly ParseDate(string text) => DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture);
}
