using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Worker;

/// <summary>Whether a batch's buffers hold what its lengths say. Compiled loops and native code do not look again, so nothing behind this point meets a damaged column.</summary>
static class ArrowChecks
{
    internal static void Check(RecordBatch batch)
    {
        for (var i = 0; i < batch.ColumnCount; i++)
        {
            var column = batch.Column(i).Data;
            Require(column.Length == batch.Length, batch.Schema.GetFieldByIndex(i).Name, "has another length than its batch");
            Check(column, batch.Schema.GetFieldByIndex(i).Name);
        }
    }

    static void Check(ArrayData data, string column)
    {
        Require(data.Length >= 0 && data.NullCount >= 0 && data.NullCount <= data.Length, column, "has a length or a number of nulls that can not be");
        if (data.DataType is NullType) return;
        Require(data.NullCount == 0 || data.Buffers[0].Length >= (data.Length + 7L) / 8, column, "has too few validity bits");
        switch (data.DataType)
        {
            case StringType or BinaryType:
                CheckOffsets<int>(data, data.Buffers[2].Length, column);
                break;
            case LargeStringType or LargeBinaryType:
                CheckOffsets<long>(data, data.Buffers[2].Length, column);
                break;
            case ListType or MapType:
                CheckOffsets<int>(data, data.Children[0].Length, column);
                break;
            case StructType:
                foreach (var child in data.Children) Require(child.Length == data.Length, column, "has a child of another length");
                break;
            case FixedWidthType type:
                Require(8L * data.Buffers[1].Length >= (long)type.BitWidth * data.Length, column, "has too few values");
                break;
            default:
                throw new InvalidDataException($"Column '{column}' is of type {data.DataType.Name}, which is not expected from Spark.");
        }
        if (data.DataType is not NestedType nested) return;
        for (var i = 0; i < nested.Fields.Count; i++) Check(data.Children[i], $"{column}.{nested.Fields[i].Name}");
    }

    static void CheckOffsets<T>(ArrayData data, long end, string column) where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        var offsets = MemoryMarshal.Cast<byte, T>(data.Buffers[1].Span);
        if (data.Length == 0 && offsets.IsEmpty) return;
        Require(offsets.Length > data.Length, column, "has too few offsets");
        offsets = offsets[..(data.Length + 1)];
        var isOrdered = offsets[0] >= T.Zero;
        for (var i = 1; i < offsets.Length; i++) isOrdered &= offsets[i] >= offsets[i - 1];
        Require(isOrdered && long.CreateChecked(offsets[^1]) <= end, column, "has offsets that point outside of it");
    }

    static void Require(bool holds, string column, string otherwise)
    {
        if (!holds) throw new InvalidDataException($"Column '{column}' {otherwise}.");
    }
}
