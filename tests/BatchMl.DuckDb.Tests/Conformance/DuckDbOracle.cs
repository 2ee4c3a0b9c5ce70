using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;
using DuckDB.NET.Data;

namespace BatchMl.DuckDb.Tests.Conformance;

/// <summary>
/// DuckDB in memory, from which both sides read the same tables: the kernel by columns, DuckDB by its own joins and windows. Instants are microseconds in BIGINT columns.
/// </summary>
sealed class DuckDbOracle : IDisposable
{
    readonly DuckDBConnection connection = new("DataSource=:memory:");

    public DuckDbOracle() => connection.Open();

    public void Execute(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>The columns of a query by name, widened.</summary>
    public Dictionary<string, IArrowArray> Read(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var columns = Enumerable.Range(0, reader.FieldCount).Select(_ => new List<object?>()).ToList();
        while (reader.Read())
            for (var i = 0; i < columns.Count; i++)
                columns[i].Add(reader.IsDBNull(i) ? null : reader.GetValue(i));
        return Enumerable.Range(0, columns.Count).ToDictionary(reader.GetName, i => Build(reader.GetFieldType(i), columns[i]));
    }

    public void Dispose() => connection.Dispose();

    /// <summary>A BIGINT column as instants.</summary>
    public static TimestampArray Instants(IArrowArray microseconds) =>
        Cells.Timestamps([.. Enumerable.Range(0, microseconds.Length).Select(i => Cells.At(microseconds, i))]);

    /// <summary>Kernel and DuckDB agree: integers and text exactly, doubles within a relative tolerance (0: to the bit).</summary>
    public static void Same(IArrowArray expected, IArrowArray actual, double tolerance = 0)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var (want, got) = (Cells.At(expected, i), Cells.At(actual, i));
            var close = want is double x && got is double y && Math.Abs(x - y) <= tolerance * Math.Max(Math.Abs(x), Math.Abs(y));
            if (!close && !Cells.Identical(want, got))
                Assert.Fail(FormattableString.Invariant($"Row {i}: DuckDB has {want ?? "null"}, the kernel has {got ?? "null"}."));
        }
    }

    static IArrowArray Build(Type type, List<object?> cells) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => Cells.Build(ColumnType.Boolean, cells),
        TypeCode.String => Cells.Build(ColumnType.String, cells),
        TypeCode.Double => Cells.Build(ColumnType.Double, cells),
        TypeCode.Int32 or TypeCode.Int64 => Cells.Build(ColumnType.Int64, cells.ConvertAll(c => c is null ? null : (object)Convert.ToInt64(c))),
        _ => throw new NotSupportedException($"Got a column of {type}; cast it to BIGINT, DOUBLE, VARCHAR or BOOLEAN in the query."),
    };
}
