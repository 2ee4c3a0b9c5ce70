using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Monitoring;

/// <summary>Builds a <see cref="Profile"/> batch by batch. The result does not depend on where batches begin. Not thread-safe.</summary>
public sealed class ProfileBuilder
{
    readonly List<ColumnBuilder> columns = [];
    long rows;

    /// <summary>Adds rows; all batches have the same columns. Columns of other types than numbers, booleans, text are profiled by their nulls only.</summary>
    public void Add(RecordBatch batch)
    {
        if (columns.Count == 0) columns.AddRange(batch.Schema.FieldsList.Select(f => new ColumnBuilder(f.Name)));
        for (var c = 0; c < columns.Count; c++) columns[c].Add(batch.Column(c));
        rows += batch.Length;
    }

    /// <summary>The profile of all rows so far.</summary>
    public Profile Build() => new(rows, [.. columns.Select(c => c.Build(rows))]);

    sealed class ColumnBuilder(string name)
    {
        // Blocks of the sketch's size, whatever the batches were.
        readonly double[] block = new double[QuantileSketch.Capacity];
        readonly Dictionary<string, long> categories = new(StringComparer.Ordinal);
        readonly ExactSum sum = new(), squares = new();
        QuantileSketch sketch = QuantileSketch.Empty;
        long nulls, nans, overflow;
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        int filled;
        bool isText;

        public void Add(IArrowArray array)
        {
            nulls += array.NullCount;
            switch (Columns.Normalize(array))
            {
                case DoubleArray a when a.NullCount == 0: foreach (var value in a.Values) Add(value); break;
                case DoubleArray a: for (var i = 0; i < a.Length; i++) { if (a.IsValid(i)) Add(a.Values[i]); } break;
                case Int64Array a: for (var i = 0; i < a.Length; i++) { if (a.IsValid(i)) Add(a.Values[i]); } break;
                case BooleanArray a: for (var i = 0; i < a.Length; i++) { if (a.GetValue(i) is { } flag) Add(flag ? 1 : 0); } break;
                case StringArray a: AddTexts(a); break;
            }
        }

        void Add(double value)
        {
            if (double.IsNaN(value))
            {
                nans++;
                return;
            }
            // -0.0 is 0.0: which of them comes first when sorted must not matter.
            block[filled++] = value + 0.0;
            if (filled == block.Length) Flush();
        }

        void Flush()
        {
            if (filled == 0) return;
            var values = block[..filled];
            sum.Add(values);
            squares.AddSquares(values);
            SortedValues.Sort(values);
            min = Math.Min(min, values[0]);
            max = Math.Max(max, values[^1]);
            sketch = sketch.Merge(QuantileSketch.Empty with { Levels = [values] });
            filled = 0;
        }

        void AddTexts(StringArray array)
        {
            isText = true;
            var byText = categories.GetAlternateLookup<ReadOnlySpan<char>>();
            Span<char> small = stackalloc char[256];
            for (var i = 0; i < array.Length; i++)
            {
                if (array.IsNull(i)) continue;
                var bytes = array.GetBytes(i);
                var text = bytes.Length <= small.Length ? small : new char[bytes.Length];
                text = text[..System.Text.Encoding.UTF8.GetChars(bytes, text)];
                if (byText.TryGetValue(text, out var count)) byText[text] = count + 1;
                // Beyond this many the tail can not be told apart any more, and is counted as a whole.
                else if (categories.Count < 16 * ColumnProfile.MaxCategories) byText[text] = 1;
                else overflow++;
            }
        }

        public ColumnProfile Build(long rows)
        {
            if (isText)
            {
                var listed = CategoryCount.Listed(categories, out var rest);
                return new ColumnProfile { Name = name, Rows = rows, Nulls = nulls, Sums = [], Squares = [], Categories = listed, OtherCategories = rest + overflow };
            }
            Flush();
            var any = rows > nulls + nans && sketch.Count > 0;
            return new ColumnProfile
            {
                Name = name, Rows = rows, Nulls = nulls, NaNs = nans, Quantiles = sketch.Compact(),
                Min = any ? min : null, Max = any ? max : null, Sums = ExactParts.Of(sum), Squares = ExactParts.Of(squares),
            };
        }
    }
}
