using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>Types and values as text, for all types that Spark sends.</summary>
static class ArrowText
{
    public static string Of(Field field) => $"{field.Name}: {Of(field.DataType)}{(field.IsNullable ? "" : " not null")}";

    public static string Of(IArrowType type) => type switch
    {
        Decimal128Type d => $"decimal({d.Precision},{d.Scale})",
        TimestampType t => $"timestamp({t.Unit},{t.Timezone})",
        Time64Type t => $"time({t.Unit})",
        DurationType d => $"duration({d.Unit})",
        IntervalType i => $"interval({i.Unit})",
        NestedType n => $"{n.Name}<{string.Join(", ", n.Fields.Select(Of))}>",
        _ => type.Name,
    };

    public static string Of(IArrowArray array, int row)
    {
        if (array is NullArray || array.IsNull(row)) return "null";
        FormattableString text = array switch
        {
            BooleanArray a => $"{a.GetValue(row)}",
            Int8Array a => $"{a.GetValue(row)}",
            Int16Array a => $"{a.GetValue(row)}",
            Int32Array a => $"{a.GetValue(row)}",
            Int64Array a => $"{a.GetValue(row)}",
            FloatArray a => $"{a.GetValue(row):R}",
            DoubleArray a => $"{a.GetValue(row):R}",
            Date32Array a => $"{a.GetValue(row)}",
            TimestampArray a => $"{a.GetValue(row)}",
            Time64Array a => $"{a.GetValue(row)}",
            DurationArray a => $"{a.GetValue(row)}",
            YearMonthIntervalArray a => $"{a.GetValue(row)?.Months}",
            Decimal128Array a => $"{a.GetString(row)}",
            StringArray a => $"'{a.GetString(row)}'",
            LargeStringArray a => $"'{a.GetString(row)}'",
            BinaryArray a => $"{Convert.ToHexString(a.GetBytes(row))}",
            LargeBinaryArray a => $"{Convert.ToHexString(a.GetBytes(row))}",
            MapArray a => $"{Items(a.KeyValues, a.ValueOffsets[row], a.ValueOffsets[row + 1])}",
            ListArray a => $"{Items(a.Values, a.ValueOffsets[row], a.ValueOffsets[row + 1])}",
            StructArray a => $"({string.Join(", ", a.Fields.Select(f => Of(f, row)))})",
            _ => throw new NotSupportedException(array.GetType().Name),
        };
        return text.ToString(CultureInfo.InvariantCulture);
    }

    static string Items(IArrowArray items, int from, int to) => $"[{string.Join(", ", Enumerable.Range(from, to - from).Select(i => Of(items, i)))}]";
}
