using BatchMl.Kernel;

namespace BatchMl.Monitoring;

/// <summary>
/// An exact sum as it is stored: doubles, each the rounded rest of what those before it leave, so that they add up to the sum exactly (a non-overlapping expansion; Shewchuk, "Adaptive Precision
/// Floating-Point Arithmetic", 1997). One sum has one such list, whatever the order of its values, and two lists add up exactly. What is below the least double is lost; a sum beyond the greatest is one infinity.
/// </summary>
static class ExactParts
{
    /// <summary>The parts of a sum, greatest first; empty if it is zero. The sum stays as it is.</summary>
    public static IReadOnlyList<double> Of(ExactSum sum)
    {
        var parts = new List<double>();
        while (sum.Value is var rest && rest != 0)
        {
            parts.Add(rest);
            if (!double.IsFinite(rest)) break;
            sum.Remove(rest);
        }
        foreach (var part in parts.Where(double.IsFinite)) sum.Add(part);
        return parts;
    }

    /// <summary>The sum that parts are of.</summary>
    public static ExactSum Sum(IEnumerable<double> parts)
    {
        var sum = new ExactSum();
        foreach (var part in parts) sum.Add(part);
        return sum;
    }

    /// <summary>The parts of both sums together.</summary>
    public static IReadOnlyList<double> Merge(IReadOnlyList<double> a, IReadOnlyList<double> b) => Of(Sum(a.Concat(b)));
}
