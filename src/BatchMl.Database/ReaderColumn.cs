using System.Buffers.Binary;
using System.Data.Common;
using System.Globalization;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>A column of a reader's rows: collects its values for the next batch, and writes each into a digest's bytes.</summary>
sealed class ReaderColumn(string name, ColumnType type, bool isExact)
{
    readonly List<object?> values = [];

    public string Name => name;

    public Field Field => new(name, Columns.ArrowType(type), nullable: true);

    /// <summary>The column type of a reader's; null: no column can have it.</summary>
    public static ReaderColumn? Of(DbDataReader reader, int ordinal)
    {
        var clr = reader.GetFieldType(ordinal);
        // Providers that are older than DateOnly give dates as midnights.
        ColumnType? type = reader.GetDataTypeName(ordinal).Equals("date", StringComparison.OrdinalIgnoreCase) && (clr == typeof(DateTime) || clr == typeof(DateOnly)) ? ColumnType.Date
            : clr == typeof(bool) ? ColumnType.Boolean
            : clr == typeof(byte) || clr == typeof(sbyte) || clr == typeof(short) || clr == typeof(ushort) || clr == typeof(int) || clr == typeof(uint) || clr == typeof(long) || clr == typeof(ulong) ? ColumnType.Int64
            : clr == typeof(float) || clr == typeof(double) || clr == typeof(decimal) ? ColumnType.Double
            : clr == typeof(string) || clr == typeof(Guid) || clr == typeof(char) ? ColumnType.String
            : clr == typeof(DateTime) || clr == typeof(DateTimeOffset) ? ColumnType.Timestamp
            : clr == typeof(DateOnly) ? ColumnType.Date : null;
        return type is { } found ? new ReaderColumn(reader.GetName(ordinal), found, clr != typeof(decimal)) : null;
    }

    /// <summary>Takes the value of the reader's row.</summary>
    /// <exception cref="DataException">It does not fit.</exception>
    public void Add(DbDataReader reader, int ordinal, MemoryStream digested)
    {
        try
        {
            var value = reader.IsDBNull(ordinal) ? null : Value(reader.GetValue(ordinal));
            values.Add(value);
            Write(value, digested);
        }
        catch (Exception e) when (e is OverflowException or InvalidCastException or FormatException)
        {
            throw new DataException($"Column '{name}' has a value that is no {type}: {e.Message} {(isExact ? "Convert it in a query (Sql)" : "Cast it to double precision in a query (Sql)")}, or exclude the row.", e);
        }
    }

    object Value(object value) => type switch
    {
        ColumnType.Boolean => value is bool b ? b : Convert.ToBoolean(value, CultureInfo.InvariantCulture),
        ColumnType.Int64 => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        ColumnType.Double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        ColumnType.String => value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture)!,
        ColumnType.Timestamp => (Utc(value).Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond,
        ColumnType.Date => (value is DateOnly d ? d : DateOnly.FromDateTime((DateTime)value)).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber,
        _ => throw new InvalidOperationException($"{type}"),
    };

    // Without a zone it is taken as UTC, as everywhere.
    static DateTime Utc(object value) => value switch
    {
        DateTimeOffset t => t.UtcDateTime,
        DateTime { Kind: DateTimeKind.Local } t => t.ToUniversalTime(),
        _ => (DateTime)value,
    };

    static void Write(object? value, MemoryStream to)
    {
        Span<byte> bytes = stackalloc byte[9];
        // A null, a number and the length of a text begin differently, so that no two rows are the same bytes.
        switch (value)
        {
            case null:
                to.WriteByte(0);
                return;
            case string text:
                var utf8 = Encoding.UTF8.GetBytes(text);
                bytes[0] = 2;
                BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], utf8.Length);
                to.Write(bytes);
                to.Write(utf8);
                return;
            default:
                bytes[0] = 1;
                BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], value is double d ? BitConverter.DoubleToInt64Bits(d) : Convert.ToInt64(value, CultureInfo.InvariantCulture));
                to.Write(bytes);
                return;
        }
    }

    /// <summary>The values so far as a column; begins anew.</summary>
    public IArrowArray Build()
    {
        IArrowArray built = type switch
        {
            ColumnType.Boolean => values.Aggregate(new BooleanArray.Builder(), (a, v) => v is bool b ? a.Append(b) : a.AppendNull()).Build(),
            ColumnType.Int64 => values.Aggregate(new Int64Array.Builder(), (a, v) => v is long n ? a.Append(n) : a.AppendNull()).Build(),
            ColumnType.Double => values.Aggregate(new DoubleArray.Builder(), (a, v) => v is double n ? a.Append(n) : a.AppendNull()).Build(),
            ColumnType.String => values.Aggregate(new StringArray.Builder(), (a, v) => v is string s ? a.Append(s) : a.AppendNull()).Build(),
            ColumnType.Date => Columns32(),
            ColumnType.Timestamp => Timestamps(),
            _ => throw new InvalidOperationException($"{type}"),
        };
        values.Clear();
        return built;
    }

    // Arrow's builders of dates and instants take .NET's types, which the values were made of once.
    Date32Array Columns32()
    {
        var days = values.Aggregate(new Int32Array.Builder(), (a, v) => v is int n ? a.Append(n) : a.AppendNull()).Build();
        return new Date32Array(new ArrayData(Apache.Arrow.Types.Date32Type.Default, days.Length, days.NullCount, 0, days.Data.Buffers));
    }

    TimestampArray Timestamps()
    {
        var micros = values.Aggregate(new Int64Array.Builder(), (a, v) => v is long n ? a.Append(n) : a.AppendNull()).Build();
        return new TimestampArray(new ArrayData(Columns.UtcMicroseconds, micros.Length, micros.NullCount, 0, micros.Data.Buffers));
    }
}
