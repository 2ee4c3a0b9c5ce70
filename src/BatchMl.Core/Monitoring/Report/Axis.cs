namespace BatchMl.Monitoring;

/// <summary>A linear scale with ticks at round numbers; widened to ticks at both ends.</summary>
sealed class Axis
{
    readonly double low, step;
    readonly int steps;

    /// <summary>An axis that has all of these values on it; NaN and infinite ones do not count.</summary>
    public Axis(IEnumerable<double> values, Func<double, string> format)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        double least = finite.Min(), greatest = finite.Max();
        if (greatest - least <= Math.Max(Math.Abs(greatest), Math.Abs(least)) * 1e-9) greatest = least + (least == 0 ? 1 : Math.Abs(least));
        var rough = (greatest / 4) - (least / 4);
        var magnitude = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        step = magnitude * (rough / magnitude <= 1 ? 1 : rough / magnitude <= 2 ? 2 : rough / magnitude <= 5 ? 5 : 10);
        low = Math.Floor(least / step) * step;
        steps = Math.Max(1, (int)Math.Ceiling((greatest - low) / step - 1e-9));
        Format = format;
    }

    public Func<double, string> Format { get; }

    public IEnumerable<double> Ticks => Enumerable.Range(0, steps + 1).Select(i => low + i * step);

    /// <summary>0 at the least tick, 1 at the greatest; never beyond.</summary>
    public double Position(double value) => Math.Clamp((value - low) / (steps * step), 0, 1);
}
