using System.Globalization;

namespace BatchMl.Monitoring;

/// <summary>Numbers as the report writes them, in every culture alike.</summary>
static class Numeral
{
    /// <summary>A count: 24,000.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A ratio or metric: 0.734; a dash for none.</summary>
    public static string Ratio(double value) => double.IsNaN(value) ? "–" : value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>A share of 1: 12.3 %, not to be broken.</summary>
    public static string Share(double value) => double.IsNaN(value) ? "–" : (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + "\u00A0%";

    /// <summary>A p-value: 0.034, or below 0.001 by its order of magnitude.</summary>
    public static string Probability(double value) => double.IsNaN(value) ? "–" : value >= 0.001 ? Ratio(value) : value < 1e-99 ? "< 1e-99" : value.ToString("0.0e-0", CultureInfo.InvariantCulture);

    /// <summary>A value of a column, to four digits.</summary>
    public static string Value(double value) => double.IsNaN(value) ? "–" : double.IsInfinity(value) ? (value > 0 ? "∞" : "-∞") : value.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>A coordinate in a drawing, to a tenth of a pixel: the same on every machine.</summary>
    public static string Coordinate(double value) => Math.Round(value, 1, MidpointRounding.AwayFromZero).ToString("0.#", CultureInfo.InvariantCulture);
}
