using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>The columns that folder names (<c>flight_date=2013-10-01</c>) give the files below them: dates if all values are dates, integers if all are, otherwise text.</summary>
sealed class HiveColumns
{
    readonly List<(string Name, ColumnType Type, object[] Values)> columns = [];

    public HiveColumns(string root, IReadOnlyList<string> files)
    {
        var parts = files.Select(f => Path.GetRelativePath(root, f).Split('/')[..^1].Select(p => p.Split('=', 2)).Where(p => p.Length == 2).ToArray()).ToArray();
        foreach (var name in parts[0].Select(p => p[0]))
        {
            var texts = parts.Select(p => p.FirstOrDefault(x => x[0] == name)?[1]).ToArray();
            if (texts.Any(t => t is null))
            {
                throw new DataException($"Some files below {root} are in a folder {name}=… and some are not, e.g. {files[System.Array.FindIndex(texts, t => t is null)]}. Expected all or none.");
            }
            columns.Add(Typed(name, [.. texts.Select(t => Uri.UnescapeDataString(t!))]));
        }
    }

    static (string, ColumnType, object[]) Typed(string name, string[] texts)
    {
        if (texts.All(t => DateOnly.TryParseExact(t, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)))
        {
            var epoch = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
            return (name, ColumnType.Date, [.. texts.Select(t => (object)(DateOnly.ParseExact(t, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber - epoch))]);
        }
        if (texts.All(t => long.TryParse(t, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
        {
            return (name, ColumnType.Int64, [.. texts.Select(t => (object)long.Parse(t, CultureInfo.InvariantCulture))]);
        }
        return (name, ColumnType.String, texts);
    }

    public IEnumerable<Field> Fields => columns.Select(c => new Field(c.Name, Columns.ArrowType(c.Type), false));

    public bool Has(string name) => columns.Any(c => c.Name == name);

    public IEnumerable<KeyValuePair<string, ColumnStatistics>> Statistics(int file) =>
        columns.Select(c => KeyValuePair.Create(c.Name, new ColumnStatistics(Bound(c.Values[file]), Bound(c.Values[file]), 0)));

    // Statistics hold days as long, like every bound of a date.
    static object Bound(object value) => value is int days ? (long)days : value;

    public IArrowArray Column(string name, int file, int rows)
    {
        var value = columns.First(c => c.Name == name).Values[file];
        IArrowArray one = value switch
        {
            int days => new Date32Array.Builder().Append(DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(days)).Build(),
            long number => new Int64Array.Builder().Append(number).Build(),
            _ => new StringArray.Builder().Append((string)value).Build(),
        };
        return Columns.Take(one, new int[rows]);
    }
}
