using System.Data.Common;
using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>A column of a reader's rows: collects its values for the next batch, and writes each into a digest's bytes.</summary>
abstract class ReaderColumn(string name, ColumnType type, Type clr)
{
    public string Name => name;

    public Field Field => new(name, Columns.ArrowType(type), nullable: true);

    /// <summary>The column type of a reader's; null: no column can have it.</summary>
    public static ReaderColumn? Of(DbDataReader reader, int ordinal)
    {
        var (name, clr) = (reader.GetName(ordinal), reader.GetFieldType(ordinal));
        // Providers that are older than DateOnly give dates as midnights.
        if (clr == typeof(DateOnly) || clr == typeof(DateTime) && reader.GetDataTypeName(ordinal).Equals("date", StringComparison.OrdinalIgnoreCase)) return new Dates(name, clr);
        if (clr == typeof(DateTime) || clr == typeof(DateTimeOffset)) return new Timestamps(name, clr);
        if (clr == typeof(string) || clr == typeof(Guid) || clr == typeof(char)) return new Texts(name, clr);
        if (clr == typeof(bool)) return new Booleans(name, clr);
        return Type.GetTypeCode(clr) switch
        {
            TypeCode.Byte or TypeCode.SByte or TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 or TypeCode.UInt32 or TypeCode.Int64 or TypeCode.UInt64 => new Integers(name, clr),
            TypeCode.Single or TypeCode.Double or TypeCode.Decimal => new Doubles(name, clr),
            _ => null,
        };
    }

    /// <summary>Takes the value of the reader's row.</summary>
    /// <exception cref="DataException">It does not fit.</exception>
    public void Add(DbDataReader reader, int ordinal, RowDigest digest)
    {
        try
        {
            if (reader.IsDBNull(ordinal))
            {
                AddNull();
                digest.AddNull();
            }
            // Some providers (SQLite) have values of more than one type in a column. Those of the column's own are taken as they are, without a box for each.
            else if (reader.GetFieldType(ordinal) == clr) Add(reader, ordinal, clr, digest);
            else Add(reader.GetValue(ordinal), digest);
        }
        catch (Exception e) when (e is OverflowException or InvalidCastException or FormatException)
        {
            throw new DataException($"Column '{name}' has a value that is no {type}: {e.Message} {(clr == typeof(decimal) ? "Cast it to double precision in a query (Sql)" : "Convert it in a query (Sql)")}, or exclude the row.", e);
        }
    }

    /// <summary>The values so far as a column; begins anew.</summary>
    public abstract IArrowArray Build();

    protected abstract void AddNull();

    protected abstract void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest);

    protected abstract void Add(object value, RowDigest digest);

    /// <summary>A column whose values Arrow's builder keeps.</summary>
    abstract class Built<TArray, TBuilder>(string name, ColumnType type, Type clr) : ReaderColumn(name, type, clr)
        where TArray : IArrowArray where TBuilder : IArrowArrayBuilder<TArray, TBuilder>, new()
    {
        protected TBuilder Values { get; } = new();

        protected sealed override void AddNull() => Values.AppendNull();

        public sealed override IArrowArray Build()
        {
            var built = Finish(Values.Build(null));
            Values.Clear();
            return built;
        }

        /// <summary>Arrow's builders of dates and instants take .NET's types, which the values were made of once: their numbers are built, and given the type.</summary>
        protected virtual IArrowArray Finish(TArray built) => built;

        protected static ArrayData As(IArrowType type, TArray numbers) => new(type, numbers.Length, numbers.NullCount, 0, numbers.Data.Buffers);
    }

    sealed class Booleans(string name, Type clr) : Built<BooleanArray, BooleanArray.Builder>(name, ColumnType.Boolean, clr)
    {
        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest) => Add(reader.GetBoolean(ordinal), digest);

        protected override void Add(object value, RowDigest digest) => Add(Convert.ToBoolean(value, CultureInfo.InvariantCulture), digest);

        void Add(bool value, RowDigest digest)
        {
            Values.Append(value);
            digest.Add(value ? 1 : 0);
        }
    }

    sealed class Integers(string name, Type clr) : Built<Int64Array, Int64Array.Builder>(name, ColumnType.Int64, clr)
    {
        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest)
        {
            if (clr == typeof(long)) Add(reader.GetInt64(ordinal), digest);
            else if (clr == typeof(int)) Add(reader.GetInt32(ordinal), digest);
            else if (clr == typeof(short)) Add(reader.GetInt16(ordinal), digest);
            else Add(reader.GetValue(ordinal), digest);
        }

        protected override void Add(object value, RowDigest digest) => Add(Convert.ToInt64(value, CultureInfo.InvariantCulture), digest);

        void Add(long value, RowDigest digest)
        {
            Values.Append(value);
            digest.Add(value);
        }
    }

    sealed class Doubles(string name, Type clr) : Built<DoubleArray, DoubleArray.Builder>(name, ColumnType.Double, clr)
    {
        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest) =>
            Add(clr == typeof(double) ? reader.GetDouble(ordinal) : clr == typeof(float) ? reader.GetFloat(ordinal) : Convert.ToDouble(reader.GetDecimal(ordinal)), digest);

        protected override void Add(object value, RowDigest digest) => Add(Convert.ToDouble(value, CultureInfo.InvariantCulture), digest);

        void Add(double value, RowDigest digest)
        {
            Values.Append(value);
            digest.Add(BitConverter.DoubleToInt64Bits(value));
        }
    }

    sealed class Texts(string name, Type clr) : Built<StringArray, StringArray.Builder>(name, ColumnType.String, clr)
    {
        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest) => Add(clr == typeof(string) ? reader.GetString(ordinal) : reader.GetValue(ordinal), digest);

        protected override void Add(object value, RowDigest digest) => Values.Append(digest.Add(value as string ?? Convert.ToString(value, CultureInfo.InvariantCulture)!));
    }

    sealed class Dates(string name, Type clr) : Built<Int32Array, Int32Array.Builder>(name, ColumnType.Date, clr)
    {
        static readonly int epoch = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest) =>
            Add(clr == typeof(DateOnly) ? reader.GetFieldValue<DateOnly>(ordinal) : DateOnly.FromDateTime(reader.GetDateTime(ordinal)), digest);

        protected override void Add(object value, RowDigest digest) => Add(value is DateOnly date ? date : DateOnly.FromDateTime((DateTime)value), digest);

        void Add(DateOnly value, RowDigest digest)
        {
            Values.Append(value.DayNumber - epoch);
            digest.Add(value.DayNumber - epoch);
        }

        protected override IArrowArray Finish(Int32Array days) => new Date32Array(As(Date32Type.Default, days));
    }

    sealed class Timestamps(string name, Type clr) : Built<Int64Array, Int64Array.Builder>(name, ColumnType.Timestamp, clr)
    {
        protected override void Add(DbDataReader reader, int ordinal, Type clr, RowDigest digest)
        {
            if (clr == typeof(DateTime)) Add(Utc(reader.GetDateTime(ordinal)), digest);
            else Add(reader.GetFieldValue<DateTimeOffset>(ordinal).UtcDateTime, digest);
        }

        protected override void Add(object value, RowDigest digest) => Add(value is DateTimeOffset time ? time.UtcDateTime : Utc((DateTime)value), digest);

        void Add(DateTime utc, RowDigest digest)
        {
            var micros = (utc.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
            Values.Append(micros);
            digest.Add(micros);
        }

        // Without a zone it is taken as UTC, as everywhere.
        static DateTime Utc(DateTime time) => time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : time;

        protected override IArrowArray Finish(Int64Array microseconds) => new TimestampArray(As(Columns.UtcMicroseconds, microseconds));
    }
}
