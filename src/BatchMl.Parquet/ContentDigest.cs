using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Lineage;

namespace BatchMl.Parquet;

/// <summary>
/// Digest of rows as content: per column one hash of validity and one of values, in row order, without the columns that say which run wrote them. Does not depend on batch boundaries, offsets, encodings,
/// what lies in null slots, or which NaN a NaN is.
/// </summary>
sealed class ContentDigest(Schema schema)
{
    static readonly string[] NotContent = ["run_id", "scored_at"];

    readonly ColumnHash?[] columns = [.. schema.FieldsList.Select(f => NotContent.Contains(f.Name) ? null : new ColumnHash())];
    long rows;

    public void Add(RecordBatch batch)
    {
        for (var c = 0; c < columns.Length; c++) columns[c]?.Add(batch.Column(c));
        rows += batch.Length;
    }

    public string Finish()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{rows} rows"));
        for (var c = 0; c < columns.Length; c++)
        {
            if (columns[c] is not { } column) continue;
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{schema.FieldsList[c].Name}: {LineageTypes.Text(schema.FieldsList[c].DataType)}\n"));
            hash.AppendData(column.Finish());
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    sealed class ColumnHash
    {
        readonly XxHash128 validity = new(), lengths = new(), values = new();
        ColumnHash? child;
        List<ColumnHash>? fields;
        byte[] scratch = [];

        public void Add(IArrowArray array)
        {
            AddValidity(array);
            switch (array)
            {
                case BooleanArray a: AddBooleans(a); break;
                case StringArray a: AddTexts(a, a.ValueOffsets, a.Values); break;
                case BinaryArray a: AddTexts(a, a.ValueOffsets, a.Values); break;
                case DoubleArray a: AddDoubles(a); break;
                case FloatArray a: AddFloats(a); break;
                case ListArray a: AddList(a); break;
                case StructArray a: AddStruct(a); break;
                default: AddFixed(array); break;
            }
        }

        void AddValidity(IArrowArray array)
        {
            var bytes = Scratch(array.Length);
            if (array.NullCount == 0) bytes.Fill(1);
            else for (var i = 0; i < bytes.Length; i++) bytes[i] = array.IsValid(i) ? (byte)1 : (byte)0;
            validity.Append(bytes);
        }

        void AddBooleans(BooleanArray array)
        {
            var bytes = Scratch(array.Length);
            for (var i = 0; i < bytes.Length; i++) bytes[i] = array.GetValue(i) == true ? (byte)1 : (byte)0;
            values.Append(bytes);
        }

        void AddTexts(IArrowArray array, ReadOnlySpan<int> offsets, ReadOnlySpan<byte> bytes)
        {
            Span<byte> length = stackalloc byte[4];
            for (var i = 0; i < array.Length; i++)
            {
                if (array.IsNull(i)) continue;
                var text = bytes[offsets[i]..offsets[i + 1]];
                BitConverter.TryWriteBytes(length, text.Length);
                lengths.Append(length);
                values.Append(text);
            }
        }

        void AddDoubles(DoubleArray array)
        {
            var bits = MemoryMarshal.Cast<byte, long>(Scratch(array.Length * 8));
            var from = array.Values;
            for (var i = 0; i < bits.Length; i++)
            {
                bits[i] = array.IsNull(i) ? 0 : double.IsNaN(from[i]) ? BitConverter.DoubleToInt64Bits(double.NaN) : BitConverter.DoubleToInt64Bits(from[i]);
            }
            values.Append(MemoryMarshal.AsBytes(bits));
        }

        void AddFloats(FloatArray array)
        {
            var bits = MemoryMarshal.Cast<byte, int>(Scratch(array.Length * 4));
            var from = array.Values;
            for (var i = 0; i < bits.Length; i++)
            {
                bits[i] = array.IsNull(i) ? 0 : float.IsNaN(from[i]) ? BitConverter.SingleToInt32Bits(float.NaN) : BitConverter.SingleToInt32Bits(from[i]);
            }
            values.Append(MemoryMarshal.AsBytes(bits));
        }

        void AddFixed(IArrowArray array)
        {
            if (array.Data.DataType is not FixedWidthType { BitWidth: >= 8 } type)
            {
                throw new DataException($"A column of type {LineageTypes.Text(array.Data.DataType)} can not be written to Parquet here. Convert it, or leave it out.");
            }
            var width = type.BitWidth / 8;
            var from = array.Data.Buffers[1].Span.Slice(array.Data.Offset * width, array.Length * width);
            if (array.NullCount == 0)
            {
                values.Append(from);
                return;
            }
            var copy = Scratch(from.Length);
            from.CopyTo(copy);
            for (var i = 0; i < array.Length; i++)
            {
                if (array.IsNull(i)) copy.Slice(i * width, width).Clear();
            }
            values.Append(copy);
        }

        void AddList(ListArray array)
        {
            child ??= new ColumnHash();
            Span<byte> length = stackalloc byte[4];
            for (var i = 0; i < array.Length; i++)
            {
                if (array.IsNull(i)) continue;
                var items = array.GetSlicedValues(i);
                BitConverter.TryWriteBytes(length, items.Length);
                lengths.Append(length);
                child.Add(items);
            }
        }

        void AddStruct(StructArray array)
        {
            fields ??= [.. array.Fields.Select(_ => new ColumnHash())];
            for (var f = 0; f < fields.Count; f++) fields[f].Add(array.Fields[f]);
        }

        public byte[] Finish() =>
            [.. validity.GetHashAndReset(), .. lengths.GetHashAndReset(), .. values.GetHashAndReset(), .. child?.Finish() ?? [], .. fields?.SelectMany(f => f.Finish()) ?? []];

        Span<byte> Scratch(int length)
        {
            if (scratch.Length < length) scratch = new byte[length];
            return scratch.AsSpan(0, length);
        }
    }
}
