using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Worker;

/// <summary>The Arrow types that Spark reads. Others make the JVM fail with words that help nobody, or read rubbish.</summary>
static class ReadableTypes
{
    /// <summary>A text that two types share when Spark reads them alike.</summary>
    /// <exception cref="DataException">Spark does not read it.</exception>
    internal static string Text(Field field) => field.DataType switch
    {
        BooleanType or Int8Type or Int16Type or Int32Type or Int64Type or FloatType or DoubleType or StringType or LargeStringType or BinaryType or LargeBinaryType or Date32Type or NullType => field.DataType.Name,
        Decimal128Type type => $"decimal({type.Precision},{type.Scale})",
        TimestampType { Unit: TimeUnit.Microsecond } type => $"timestamp({type.Timezone})",
        Time64Type { Unit: TimeUnit.Nanosecond } => "time",
        DurationType { Unit: TimeUnit.Microsecond } => "duration",
        IntervalType { Unit: IntervalUnit.YearMonth } => "months",
        ListType or MapType or StructType => $"{field.DataType.Name}<{string.Join(",", ((NestedType)field.DataType).Fields.Select(Text))}>",
        _ => throw new DataException(
            $"Column '{field.Name}' is of Arrow type {field.DataType.Name}, which Spark does not read; expected boolean, signed integer, float, double, decimal128, string, binary, date32, timestamp or duration in microseconds, time64 in nanoseconds, list, map or struct."),
    };

    /// <summary>As <see cref="Text(Field)"/>, of all columns.</summary>
    internal static string Text(Schema schema) => string.Join(", ", schema.FieldsList.Select(Text));
}
