using System.Buffers;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A fitted <see cref="NumericEncoding"/>: <c>(x ?? impute - shift) / scale</c>.</summary>
/// <param name="feature">The feature.</param>
/// <param name="type">Boolean, Int64 or Double.</param>
/// <param name="impute">What a missing value becomes; NaN: stays missing.</param>
/// <param name="shift">The mean, or 0.</param>
/// <param name="scale">The standard deviation, or 1.</param>
sealed class FittedNumeric(string feature, ColumnType type, double impute, double shift, double scale) : FittedEncoding(feature, type)
{
    internal override IReadOnlyList<ModelColumn> Outputs { get; } = [new(feature, ModelType.Float)];

    internal override string Kind => "numeric";

    internal override long Encode(IArrowArray column, List<IArrowArray> outputs)
    {
        var scratch = ArrayPool<double>.Shared.Rent(column.Length);
        var numbers = scratch.AsMemory(0, column.Length);
        Numbers.Read(column, numbers.Span);
        outputs.Add(ModelArrays.Floats(column.Length, floats => Transform(numbers.Span, floats)));
        ArrayPool<double>.Shared.Return(scratch);
        return 0;
    }

    void Transform(ReadOnlySpan<double> numbers, Span<float> floats)
    {
        if (double.IsNaN(impute) && shift == 0 && scale == 1)
        {
            for (var i = 0; i < numbers.Length; i++) floats[i] = (float)numbers[i];
            return;
        }
        for (var i = 0; i < numbers.Length; i++)
        {
            var x = numbers[i];
            floats[i] = (float)(((double.IsNaN(x) ? impute : x) - shift) / scale);
        }
    }

    internal static FittedNumeric Fit(NumericEncoding encoding, ColumnType type, IReadOnlyList<IArrowArray> columns)
    {
        if (encoding is { Imputation: Imputation.None or Imputation.Zero, Standardize: false })
            return new(encoding.Feature, type, encoding.Imputation == Imputation.Zero ? 0 : double.NaN, 0, 1);

        double[] numbers = [.. columns.SelectMany(Numbers.Read)];
        double[] known = [.. numbers.Where(x => !double.IsNaN(x))];
        if (known.FirstOrDefault(double.IsInfinity) is var infinity and not 0)
            throw new DataException($"Feature {encoding.Feature} is {infinity} on a training row: its mean, median or deviation are not finite. Derive a bounded feature, or use it without imputation and standardisation.");
        if (known.Length == 0)
            throw new DataException($"Feature {encoding.Feature} has no value on any of {numbers.Length} training rows, so nothing can be learnt from it. Leave it out, or impute zero without standardisation.");

        var impute = encoding.Imputation switch
        {
            Imputation.Mean => Mean(known),
            Imputation.Median => Median(known),
            Imputation.Zero => 0,
            _ => double.NaN,
        };
        if (!encoding.Standardize) return new(encoding.Feature, type, impute, 0, 1);

        var sample = double.IsNaN(impute) ? known : System.Array.ConvertAll(numbers, x => double.IsNaN(x) ? impute : x);
        var mean = Mean(sample);
        var deviation = Math.Sqrt(sample.Sum(x => (x - mean) * (x - mean)) / sample.Length);
        return new(encoding.Feature, type, impute, mean, deviation == 0 ? 1 : deviation);
    }

    static double Mean(double[] values) => values.Sum() / values.Length;

    static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        var half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : sorted[half - 1] / 2 + sorted[half] / 2;
    }

    internal override void Write(Utf8JsonWriter json)
    {
        if (!double.IsNaN(impute)) json.WriteNumber("impute", impute);
        json.WriteNumber("shift", shift);
        json.WriteNumber("scale", scale);
    }

    internal static FittedNumeric Read(string feature, ColumnType type, JsonElement json) => new(
        feature, type, json.TryGetProperty("impute", out var impute) ? impute.GetDouble() : double.NaN, json.GetProperty("shift").GetDouble(), json.GetProperty("scale").GetDouble());
}
