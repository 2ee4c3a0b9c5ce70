using Apache.Arrow;
using BatchMl.Training;

namespace BatchMl.LightGbm.Tests;

/// <summary>Rows with a known law: log-odds of two numbers, one of them sometimes missing, and a category whose effect is not ordered by its code.</summary>
static class Synthetic
{
    public static readonly string[] Names = ["x", "y", "kind", "noise"];

    public static TrainingRows Rows(int rows, int seed, int batchRows = int.MaxValue, bool areLabelsRandom = false)
    {
        var random = new Random(seed);
        var columns = Names.Select(_ => new float[rows]).ToArray();
        var labels = new double[rows];
        double[] effects = [2, -2, 1.5, -1.5, 2.5, -1, 0.5, -2.5];
        for (var i = 0; i < rows; i++)
        {
            var (x, y, kind) = (random.NextDouble() * 4 - 2, random.NextDouble() * 4 - 2, random.Next(8));
            var logOdds = x + x * y + effects[kind];
            labels[i] = random.NextDouble() < (areLabelsRandom ? 0.5 : 1 / (1 + Math.Exp(-logOdds))) ? 1 : 0;
            (columns[0][i], columns[1][i], columns[2][i], columns[3][i]) = ((float)x, random.Next(10) == 0 ? float.NaN : (float)y, kind, (float)random.NextDouble());
        }
        var (inputs, parts) = (new List<RecordBatch>(), new List<DoubleArray>());
        for (var start = 0; start < rows; start += batchRows)
        {
            var count = Math.Min(batchRows, rows - start);
            inputs.Add(Batch(Names, [.. columns.Select(c => Floats(c.AsSpan(start, count)))]));
            parts.Add(Doubles(labels.AsSpan(start, count)));
            if (batchRows == int.MaxValue) break;
        }
        return new TrainingRows(inputs, parts);
    }

    public static RecordBatch Batch(string[] names, IArrowArray[] columns) =>
        new(new Schema(names.Zip(columns, (n, c) => new Field(n, c.Data.DataType, false)), null), columns, columns[0].Length);

    public static FloatArray Floats(ReadOnlySpan<float> values) => new FloatArray.Builder().Append(values).Build();

    public static DoubleArray Doubles(ReadOnlySpan<double> values) => new DoubleArray.Builder().Append(values).Build();
}
