using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>
/// The columns that folder names (<c>flight_date=2013-10-01</c>) give the files below them: the unbroken run of <c>NAME=VALUE</c> folders right above a file. Dates if all values are dates, integers if all
/// are, otherwise text; percent escapes are decoded, and <c>__HIVE_DEFAULT_PARTITION__</c> is null.
/// </summary>
sealed class HiveColumns
{
    const string Null = "__HIVE_DEFAULT_PARTITION__";

    readonly List<HiveColumn> columns = [];

    /// <summary>No columns, or one of a known type for a single file.</summary>
    public HiveColumns(params ReadOnlySpan<HiveColumn> columns) => this.columns.AddRange(columns);

    /// <exception cref="DataException">The files' folders do not name the same columns.</exception>
    public static HiveColumns Of(IReadOnlyList<string> files)
    {
        var folders = files.Select(Folders).ToArray();
        var names = folders[0].Select(f => f.Name).ToArray();
        var other = System.Array.FindIndex(folders, f => !f.Select(x => x.Name).SequenceEqual(names));
        if (other >= 0)
        {
            throw new DataException($"{files[0]} is in partition folders [{string.Join(", ", names)}], {files[other]} in [{string.Join(", ", folders[other].Select(f => f.Name))}]. "
                + "Expected NAME=VALUE folders of the same names, in the same order, above all files; bind them as sources of their own.");
        }
        return new HiveColumns([.. names.Select((name, i) => Typed(name, [.. folders.Select(f => f[i].Value)]))]);
    }

    static (string Name, string? Value)[] Folders(string file)
    {
        var found = new Stack<(string, string?)>();
        for (var folder = Path.GetDirectoryName(file); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var name = Path.GetFileName(folder);
            var equals = name.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) break;
            var value = name[(equals + 1)..];
            found.Push((Uri.UnescapeDataString(name[..equals]), value == Null ? null : Uri.UnescapeDataString(value)));
        }
        return [.. found];
    }

    static HiveColumn Typed(string name, string?[] texts)
    {
        var present = texts.Where(t => t is not null).ToArray();
        foreach (var type in present.Length == 0 ? [] : new[] { ColumnType.Date, ColumnType.Int64 })
        {
            if (present.All(t => Parse(t!, type) is not null)) return new HiveColumn(name, type, [.. texts.Select(t => t is null ? null : Parse(t, type))]);
        }
        return new HiveColumn(name, ColumnType.String, texts);
    }

    /// <summary>A folder's value as a column's: long, days (int) or the text itself; null if it is not of the type.</summary>
    public static object? Parse(string text, ColumnType type) => type switch
    {
        // Round trip only: 007 and +7 stay text.
        ColumnType.Int64 => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number.ToString(CultureInfo.InvariantCulture) == text ? number : null,
        ColumnType.Date => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date.DayNumber - unixEpoch.DayNumber : null,
        _ => text,
    };

    static readonly DateOnly unixEpoch = DateOnly.FromDateTime(DateTime.UnixEpoch);

    public IReadOnlyList<HiveColumn> All => columns;

    public HiveColumn? Find(string name) => columns.Find(c => c.Name == name);
}

/// <summary>A column that is constant within each file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">String, Int64 or Date.</param>
/// <param name="Values">Per file: text, long, days (int) or null.</param>
sealed record HiveColumn(string Name, ColumnType Type, IReadOnlyList<object?> Values)
{
    public Field Field => new(Name, Columns.ArrowType(Type), Values.Contains(null));

    public ColumnStatistics Statistics(int file, long rows) => new(Values[file], Values[file], Values[file] is null ? rows : 0);

    public IArrowArray Column(int file, int rows) => Type switch
    {
        _ when Values[file] is null => Columns.Take(ArrowArrayFactory.BuildArray(Empty()), Repeated(-1, rows)),
        ColumnType.Date => new Date32Array(Fill((int)Values[file]!, rows), ArrowBuffer.Empty, rows, 0, 0),
        ColumnType.Int64 => new Int64Array(Fill((long)Values[file]!, rows), ArrowBuffer.Empty, rows, 0, 0),
        _ => Columns.Take(new StringArray.Builder().Append((string)Values[file]!).Build(), new int[rows]),
    };

    ArrayData Empty() => Type switch
    {
        ColumnType.Date => new Date32Array.Builder().Build().Data,
        ColumnType.Int64 => new Int64Array.Builder().Build().Data,
        _ => new StringArray.Builder().Build().Data,
    };

    static ArrowBuffer Fill<T>(T value, int rows) where T : unmanaged
    {
        var values = new T[rows];
        System.Array.Fill(values, value);
        return new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    static int[] Repeated(int row, int rows)
    {
        var all = new int[rows];
        System.Array.Fill(all, row);
        return all;
    }
}
