using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Testing.Internals;

/// <summary>Values as records and tests have them, as columns have them (see <see cref="Columns.ValueAt"/>), and as text.</summary>
static class Cell
{
    /// <summary>As a column has it; null for a value that no column can have.</summary>
    public static object? Of(object? value) => value switch
    {
        DateTimeOffset t => t.ToUnixMicroseconds(),
        // Instants without a zone are UTC, as everywhere.
        DateTime t => new DateTimeOffset(t.Kind == DateTimeKind.Local ? t.ToUniversalTime() : DateTime.SpecifyKind(t, DateTimeKind.Utc)).ToUnixMicroseconds(),
        DateOnly d => FragmentPruning.Days(d),
        int or short or byte => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        float f => (double)f,
        _ => value,
    };

    /// <summary>A value of a test as one of a column of a type.</summary>
    /// <exception cref="TestFailedException">The column can not have it.</exception>
    public static object? Of(object? value, ColumnType type, string column)
    {
        if (value is null) return null;
        if (type == ColumnType.Timestamp && value is string text) return Instants.Parse(text).ToUnixMicroseconds();
        if (type == ColumnType.Date && value is string day && DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)) return FragmentPruning.Days(date);
        if (RecordColumns.TypeOf(value.GetType()) is { } given)
        {
            if (given == type) return Of(value);
            if ((given, type) == (ColumnType.Int64, ColumnType.Double)) return Convert.ToDouble(value, CultureInfo.InvariantCulture);
        }
        throw new TestFailedException($"'{column}' is of type {type}, but the test gives {value.GetType().Name} {Convert.ToString(value, CultureInfo.InvariantCulture)}. {Expected(type)}");
    }

    static string Expected(ColumnType type) => type switch
    {
        ColumnType.Timestamp => "Give a DateTimeOffset, or text in ISO 8601 with its zone.",
        ColumnType.Date => "Give a DateOnly, or text as 2024-01-31.",
        ColumnType.Int64 => "Give an integer.",
        ColumnType.Double => "Give a number.",
        _ => $"Give a {type.ToString().ToLowerInvariant()}.",
    };

    /// <summary>A column of such values.</summary>
    public static IArrowArray Column(ColumnType type, IReadOnlyList<object?> cells)
    {
        var (nulls, validity) = (cells.Count(c => c is null), new ArrowBuffer.BitmapBuilder().AppendRange(cells.Select(c => c is not null)).Build());
        return type switch
        {
            ColumnType.Boolean => new BooleanArray(new ArrowBuffer.BitmapBuilder().AppendRange(cells.Select(c => c is true)).Build(), validity, cells.Count, nulls, 0),
            ColumnType.Int64 => new Int64Array(Values<long>(cells), validity, cells.Count, nulls, 0),
            ColumnType.Double => new DoubleArray(Values<double>(cells), validity, cells.Count, nulls, 0),
            ColumnType.String => new StringArray.Builder().AppendRange(cells.Select(c => (string?)c)).Build(),
            ColumnType.Timestamp => new TimestampArray(Columns.UtcMicroseconds, Values<long>(cells), validity, cells.Count, nulls, 0),
            ColumnType.Date => new Date32Array(Values<int>(cells), validity, cells.Count, nulls, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
        };
    }

    static ArrowBuffer Values<T>(IReadOnlyList<object?> cells) where T : struct => new ArrowBuffer.Builder<T>().AppendRange(cells.Select(c => c is null ? default : (T)c)).Build();

    /// <summary>NaN is itself, and -0.0 is 0.0, as in the engine.</summary>
    public static bool AreEqual(object? a, object? b, double tolerance = 0) => (a, b) switch
    {
        (double x, double y) => x == y || (double.IsNaN(x) && double.IsNaN(y)) || Math.Abs(x - y) <= tolerance,
        (long x, long y) => x == y || Math.Abs((double)x - y) <= tolerance,
        _ => Equals(a, b),
    };

    /// <summary>For messages: a number with all of its digits, text in quotes.</summary>
    public static string Text(object? value, ColumnType type) => value switch
    {
        null => "null",
        string s => $"\"{s}\"",
        bool b => b ? "true" : "false",
        long t when type == ColumnType.Timestamp => Instants.Text(t),
        int d when type == ColumnType.Date => PartitionValues.FormatDate(FragmentPruning.Date(d)),
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}

/// <summary>Instants as text.</summary>
static class Instants
{
    /// <summary>UTC where no zone is said.</summary>
    /// <exception cref="TestFailedException">No instant.</exception>
    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
            : throw new TestFailedException($"'{text}' is no instant; expected ISO 8601, e.g. 2024-01-31T02:00:00Z (UTC where no zone is said).");

    public static string Text(long microseconds) => ArrowColumns.FromUnixMicroseconds(microseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
