namespace BatchMl.Monitoring;

/// <summary>The tests behind drift.</summary>
static class Statistics
{
    /// <summary>Greatest distance between two distribution functions.</summary>
    public static double KolmogorovSmirnov(QuantileSketch a, QuantileSketch b)
    {
        var (va, wa) = a.Weighted();
        var (vb, wb) = b.Weighted();
        double na = wa.Sum(), nb = wb.Sum(), ca = 0, cb = 0, greatest = 0;
        for (int i = 0, j = 0; i < va.Length && j < vb.Length;)
        {
            var value = Math.Min(va[i], vb[j]);
            while (i < va.Length && va[i] == value) ca += wa[i++];
            while (j < vb.Length && vb[j] == value) cb += wb[j++];
            greatest = Math.Max(greatest, Math.Abs(ca / na - cb / nb));
        }
        return greatest;
    }

    /// <summary>Asymptotic two-sided p-value (Kolmogorov's limiting distribution at sqrt(nm/(n+m)) D. SciPy's ks_2samp(method="asymp") takes the distribution for a sample of nm/(n+m) rows instead, which comes to the same as that grows).
    /// Ties, as in numbers of few different values, make it err towards no difference.</summary>
    public static double KolmogorovSmirnovP(double distance, double n, double m)
    {
        var x = Math.Sqrt(n * m / (n + m)) * distance;
        if (x < 0.2) return 1;
        double sum = 0;
        for (var k = 1; k <= 100; k++)
        {
            var term = Math.Exp(-2.0 * k * k * x * x);
            sum += k % 2 == 1 ? term : -term;
            if (term < 1e-18) break;
        }
        return Math.Clamp(2 * sum, 0, 1);
    }

    /// <summary>Pearson's chi-square of two samples over categories, and its degrees of freedom.</summary>
    public static (double ChiSquare, int Freedom) ChiSquare(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        double na = a.Sum(), nb = b.Sum(), chi2 = 0;
        var categories = 0;
        for (var i = 0; i < a.Count; i++)
        {
            var both = a[i] + b[i];
            if (both == 0) continue;
            categories++;
            var (ea, eb) = (both * na / (na + nb), both * nb / (na + nb));
            chi2 += (a[i] - ea) * (a[i] - ea) / ea + (b[i] - eb) * (b[i] - eb) / eb;
        }
        return (chi2, Math.Max(0, categories - 1));
    }

    /// <summary>Upper tail of the chi-square distribution.</summary>
    public static double ChiSquareP(double chi2, int freedom) => freedom == 0 ? 1 : UpperGamma(freedom / 2.0, chi2 / 2);

    /// <summary>Adjusted p-values that control the false discovery rate; NaN stays NaN and does not count.</summary>
    public static double[] BenjaminiHochberg(double[] p)
    {
        var order = Enumerable.Range(0, p.Length).Where(i => !double.IsNaN(p[i])).OrderByDescending(i => p[i]).ToArray();
        var adjusted = p.ToArray();
        var least = 1.0;
        for (var r = 0; r < order.Length; r++)
        {
            least = Math.Min(least, p[order[r]] * order.Length / (order.Length - r));
            adjusted[order[r]] = least;
        }
        return adjusted;
    }

    // Regularised upper incomplete gamma: series below a + 1, Lentz's continued fraction above (Press et al., Numerical Recipes, 6.2).
    static double UpperGamma(double a, double x)
    {
        if (x <= 0) return 1;
        var scale = Math.Exp(a * Math.Log(x) - x - LogGamma(a));
        if (x < a + 1)
        {
            double term = 1 / a, sum = term;
            for (var n = 1; n < 10_000 && Math.Abs(term) > Math.Abs(sum) * 1e-16; n++)
            {
                term *= x / (a + n);
                sum += term;
            }
            return Math.Clamp(1 - sum * scale, 0, 1);
        }
        const double tiny = 1e-300;
        double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
        for (var i = 1; i < 10_000; i++)
        {
            var an = -i * (i - a);
            b += 2;
            d = an * d + b;
            d = Math.Abs(d) < tiny ? 1 / tiny : 1 / d;
            c = b + an / c;
            if (Math.Abs(c) < tiny) c = tiny;
            h *= d * c;
            if (Math.Abs(d * c - 1) < 1e-16) break;
        }
        return Math.Clamp(scale * h, 0, 1);
    }

    // Lanczos' approximation, g = 7.
    static double LogGamma(double x)
    {
        ReadOnlySpan<double> coefficients =
        [
            0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
            1.5056327351493116e-7,
        ];
        if (x < 0.5) return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        x -= 1;
        var sum = coefficients[0];
        for (var i = 1; i < coefficients.Length; i++) sum += coefficients[i] / (x + i);
        var t = x + 7.5;
        return 0.5 * Math.Log(2 * Math.PI) + (x + 0.5) * Math.Log(t) - t + Math.Log(sum);
    }
}
