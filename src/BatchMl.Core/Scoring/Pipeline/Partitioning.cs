using System.Globalization;
using Apache.Arrow;

namespace BatchMl.Scoring;

/// <summary>Finds the partitions of a batch's rows by comparing neighbours; a value becomes text once per run of equal values.</summary>
static class Partitioning
{
    /// <summary>Adjacent rows of one partition.</summary>
    internal readonly record struct Run(int Start, int Count);

    /// <summary>Each partition's runs, partitions in order of first appearance.</summary>
    /// <param name="column">Date or String, without nulls.</param>
    internal static IReadOnlyList<KeyValuePair<string, List<Run>>> Of(IArrowArray column)
    {
        if (column.NullCount > 0) throw new BatchMlException($"{column.NullCount} rows reached scoring without a partition value. The engine must refuse such rows.", FailureKind.Bug);
        var partitions = new OrderedDictionary<string, List<Run>>();
        for (var start = 0; start < column.Length;)
        {
            var end = start + 1;
            switch (column)
            {
                case Date32Array dates:
                    var days = dates.Values;
                    while (end < days.Length && days[end] == days[start]) end++;
                    break;
                case StringArray texts:
                    while (end < texts.Length && texts.GetBytes(end).SequenceEqual(texts.GetBytes(start))) end++;
                    break;
            }
            var value = Text(column, start);
            if (!partitions.TryGetValue(value, out var runs)) partitions.Add(value, runs = []);
            runs.Add(new(start, end - start));
            start = end;
        }
        return [.. partitions];
    }

    static string Text(IArrowArray column, int row) => column switch
    {
        Date32Array dates => DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(dates.Values[row])).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        StringArray texts => texts.GetString(row),
        _ => throw new BatchMlException($"The partition column is {column.Data.DataType.Name}; expected Date or String.", FailureKind.Bug),
    };
}
