using System.Text.Json.Serialization;

namespace BatchMl.Monitoring;

/// <summary>
/// A mergeable sample of values for quantiles and distribution functions: exact up to <see cref="Capacity"/> values; beyond it pairs of neighbours are replaced by one of them with twice the weight, as in KLL
/// (Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams", 2016), alternating between the lower and the upper one instead of drawing. Deterministic in the order of values; the rank error of each halving is at most half a
/// weight per pair, about (log2(n / Capacity) + 1) / Capacity of all rows together.
/// </summary>
public sealed record QuantileSketch
{
    /// <summary>Values kept per level.</summary>
    public const int Capacity = 4_096;

    /// <summary>Values by level, ascending; a value of level l stands for 2^l rows.</summary>
    [JsonConverter(typeof(RunLengthLevels))]
    public required IReadOnlyList<double[]> Levels { get; init; }

    /// <summary>Which of a pair is kept next, by level.</summary>
    public required IReadOnlyList<bool> KeepUpper { get; init; }

    /// <summary>Rows that the sketch stands for.</summary>
    [JsonIgnore]
    public long Count => Levels.Select((v, level) => (long)v.Length << level).Sum();

    /// <summary>No values.</summary>
    public static readonly QuantileSketch Empty = new() { Levels = [[]], KeepUpper = [false] };

    /// <summary>The sketch of values, without NaN, in this order.</summary>
    public static QuantileSketch Of(IReadOnlyList<double> values)
    {
        var sketch = Empty;
        for (var from = 0; from < values.Count; from += Capacity)
        {
            var part = values.Skip(from).Take(Capacity).ToArray();
            SortedValues.Sort(part);
            sketch = sketch.Merge(Empty with { Levels = [part] });
        }
        return sketch;
    }

    /// <summary>The sketch of both.</summary>
    public QuantileSketch Merge(QuantileSketch other)
    {
        var levels = new List<double[]>();
        var upper = new List<bool>();
        for (var level = 0; level < Math.Max(Levels.Count, other.Levels.Count) || level < levels.Count; level++)
        {
            var mine = level < Levels.Count ? Levels[level] : [];
            var theirs = level < other.Levels.Count ? other.Levels[level] : [];
            if (level == levels.Count) levels.Add([]);
            var all = SortedValues.Merge(SortedValues.Merge(mine, theirs), levels[level]);
            var flip = level < KeepUpper.Count && KeepUpper[level];
            if (all.Length > Capacity)
            {
                (levels[level], var halved) = Halve(all, flip);
                levels.Add(halved);
                flip = !flip;
            }
            else levels[level] = all;
            upper.Add(flip);
        }
        return new QuantileSketch { Levels = levels, KeepUpper = upper };
    }

    // An odd one out stays; of the rest one of each pair goes up.
    static (double[] Kept, double[] Halved) Halve(double[] values, bool upper)
    {
        var halved = new double[values.Length / 2];
        for (var i = 0; i < halved.Length; i++) halved[i] = values[2 * i + (upper ? 1 : 0)];
        return (values.Length % 2 == 1 ? values[^1..] : [], halved);
    }

    /// <summary>
    /// The same rows in about <see cref="Capacity"/> values, to be kept: low levels, which stand for few rows, are halved into the levels above. A sketch of no more values is returned as it is; otherwise it costs at most one more
    /// weight of each level in rank, 2 / <see cref="Capacity"/> of the rows together.
    /// </summary>
    public QuantileSketch Compact()
    {
        var levels = Levels.ToList();
        var upper = KeepUpper.ToArray();
        for (var level = 0; level + 1 < levels.Count && levels.Sum(v => v.Length) > Capacity; level++)
        {
            (levels[level], var halved) = Halve(levels[level], upper[level]);
            levels[level + 1] = SortedValues.Merge(levels[level + 1], halved);
            upper[level] = !upper[level];
        }
        // What goes up may overfill the levels above, which merging puts right.
        var compact = this with { Levels = levels, KeepUpper = upper };
        return levels.Exists(v => v.Length > Capacity) ? compact.Merge(Empty) : compact;
    }

    /// <summary>All values ascending, with weights. Not to be written to.</summary>
    public (double[] Values, double[] Weights) Weighted()
    {
        // Quantiles of a reference are asked for once per partition and column: it is sorted once. The levels it was made of are kept with it, since 'with' copies the field.
        if (sorted is { } known && ReferenceEquals(known.Levels, Levels)) return (known.Values, known.Weights);
        var values = new double[Levels.Sum(v => v.Length)];
        var weights = new double[values.Length];
        var next = 0;
        for (var level = 0; level < Levels.Count; level++)
        {
            Levels[level].CopyTo(values, next);
            weights.AsSpan(next, Levels[level].Length).Fill(1L << level);
            next += Levels[level].Length;
        }
        System.Array.Sort(values, weights);
        sorted = new Sorted(Levels, values, weights);
        return (values, weights);
    }

    sealed class Sorted(IReadOnlyList<double[]> levels, double[] values, double[] weights)
    {
        public IReadOnlyList<double[]> Levels => levels;
        public double[] Values => values;
        public double[] Weights => weights;
    }

    Sorted? sorted;

    /// <summary>The value below or at which a share <paramref name="q"/> of rows lies; NaN without rows.</summary>
    public double Quantile(double q)
    {
        var (values, weights) = Weighted();
        if (values.Length == 0) return double.NaN;
        var target = q * weights.Sum();
        double sum = 0;
        for (var i = 0; i < values.Length; i++)
        {
            sum += weights[i];
            if (sum >= target) return values[i];
        }
        return values[^1];
    }

    /// <summary>Shares of rows in the bins that edges (ascending) make: below the first, between, and from the last on (each bin open below, closed above).</summary>
    public double[] Shares(IReadOnlyList<double> edges)
    {
        var (values, weights) = Weighted();
        var shares = new double[edges.Count + 1];
        var bin = 0;
        for (var i = 0; i < values.Length; i++)
        {
            while (bin < edges.Count && values[i] > edges[bin]) bin++;
            shares[bin] += weights[i];
        }
        var total = weights.Sum();
        for (var b = 0; b < shares.Length && total > 0; b++) shares[b] /= total;
        return shares;
    }
}
