namespace BatchMl.Data;

/// <summary>
/// The types that expressions and the kernel compute with. Every Arrow column is widened to one of them when it is
/// read (<see cref="Columns.Normalize"/>), so each operation has six cases to handle, not thirty.
/// </summary>
public enum ColumnType
{
    /// <summary>True or false; <c>BooleanArray</c>.</summary>
    Boolean,

    /// <summary>Every integer type, widened; <c>Int64Array</c>. Unsigned 64-bit values above 2^63-1 are a data error.</summary>
    Int64,

    /// <summary>Half, single and double floats, widened; <c>DoubleArray</c>.</summary>
    Double,

    /// <summary>UTF-8 text, dictionaries decoded; <c>StringArray</c>. Compared by bytes.</summary>
    String,

    /// <summary>An instant in microseconds since 1970-01-01 UTC; <c>TimestampArray</c>.</summary>
    Timestamp,

    /// <summary>A calendar date, days since 1970-01-01; <c>Date32Array</c>.</summary>
    Date,
}
