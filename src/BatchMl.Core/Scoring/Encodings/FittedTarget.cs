using System.Buffers;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A fitted <see cref="TargetEncoding"/>.</summary>
/// <param name="encoding">What was asked for; folds and smoothing are needed again to encode training rows.</param>
/// <param name="type">The feature's type.</param>
/// <param name="vocabulary">The categories.</param>
/// <param name="values">Per category its smoothed mean.</param>
/// <param name="ofNull">The smoothed mean of null; NaN: no training row was null.</param>
/// <param name="overall">The label's mean.</param>
sealed class FittedTarget(TargetEncoding encoding, ColumnType type, Vocabulary vocabulary, double[] values, double ofNull, double overall)
    : FittedEncoding(encoding.Feature, type)
{
    internal override IReadOnlyList<ModelColumn> Outputs { get; } = [new(encoding.Feature, ModelType.Float)];

    internal override string Kind => "target";

    internal override long Encode(IArrowArray column, List<IArrowArray> outputs)
    {
        var codes = ArrayPool<int>.Shared.Rent(column.Length);
        var unknown = vocabulary.Find(column, codes.AsSpan(0, column.Length));
        if (double.IsNaN(ofNull)) unknown += column.NullCount;
        outputs.Add(ModelArrays.Floats(column.Length, floats =>
        {
            for (var i = 0; i < floats.Length; i++)
                floats[i] = (float)(codes[i] >= 0 ? values[codes[i]] : codes[i] == Vocabulary.Null && !double.IsNaN(ofNull) ? ofNull : overall);
        }));
        ArrayPool<int>.Shared.Return(codes);
        return unknown;
    }

    internal static FittedTarget Fit(TargetEncoding encoding, ColumnType type, IReadOnlyList<IArrowArray> columns, double[] labels, double[]? weights)
    {
        var vocabulary = Vocabulary.Fit(columns, int.MaxValue);
        var sums = Sums(encoding, vocabulary, columns, labels, weights, out _);
        double[] values = [.. vocabulary.Categories.Select((_, code) => sums.Of(code, without: -1))];
        var ofNull = columns.Any(c => c.NullCount > 0) ? sums.Of(values.Length, without: -1) : double.NaN;
        return new(encoding, type, vocabulary, values, ofNull, sums.Overall(without: -1));
    }

    /// <summary>The training rows' own values, each row's fold encoded by the others.</summary>
    internal IReadOnlyList<IArrowArray> CrossFit(IReadOnlyList<IArrowArray> columns, double[] labels, double[]? weights)
    {
        var sums = Sums(encoding, vocabulary, columns, labels, weights, out var codes);
        var folds = encoding.Folds;
        var byFold = new float[(vocabulary.Categories.Count + 1) * folds];
        for (var i = 0; i < byFold.Length; i++) byFold[i] = (float)sums.Of(i / folds, without: i % folds);

        var arrays = new List<IArrowArray>(columns.Count);
        var first = 0;
        foreach (var column in columns)
        {
            arrays.Add(ModelArrays.Floats(column.Length, floats =>
            {
                for (var i = 0; i < floats.Length; i++) floats[i] = byFold[codes[first + i] * folds + (first + i) % folds];
            }));
            first += column.Length;
        }
        return arrays;
    }

    // Null is the category after the last.
    static TargetSums Sums(TargetEncoding encoding, Vocabulary vocabulary, IReadOnlyList<IArrowArray> columns, double[] labels, double[]? weights, out int[] codes)
    {
        codes = new int[labels.Length];
        var first = 0;
        foreach (var column in columns)
        {
            var unknown = vocabulary.Find(column, codes.AsSpan(first, column.Length));
            if (unknown > 0)
                throw new DataException($"Feature {encoding.Feature} has {unknown} values that the encoder was not fitted on: these are not its training rows. Encode other rows with Encode.");
            first += column.Length;
        }
        var ofNull = vocabulary.Categories.Count;
        foreach (ref var code in codes.AsSpan())
            if (code == Vocabulary.Null) code = ofNull;
        return new(codes, labels, weights, ofNull + 1, encoding.Folds, encoding.Smoothing);
    }

    internal override void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("folds", encoding.Folds);
        json.WriteNumber("smoothing", encoding.Smoothing);
        json.WriteNumber("overall", overall);
        if (!double.IsNaN(ofNull)) json.WriteNumber("null", ofNull);
        vocabulary.Write(json);
        json.WriteStartArray("values");
        foreach (var value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    internal static FittedTarget Read(string feature, ColumnType type, JsonElement json)
    {
        var encoding = new TargetEncoding(feature, json.GetProperty("folds").GetInt32(), json.GetProperty("smoothing").GetDouble());
        var vocabulary = Vocabulary.Read(json);
        double[] values = [.. json.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())];
        if (values.Length != vocabulary.Categories.Count)
            throw new DataException($"The target encoding of {feature} has {values.Length} values for {vocabulary.Categories.Count} categories; it must have one each.");
        return new(encoding, type, vocabulary, values, json.TryGetProperty("null", out var ofNull) ? ofNull.GetDouble() : double.NaN, json.GetProperty("overall").GetDouble());
    }
}
