using System.Globalization;
using System.Text;

namespace BatchMl.Server.Signals;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4. A family is begun once and all its samples follow.</summary>
sealed class PrometheusPage
{
    /// <summary>What the page is.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    readonly StringBuilder text = new();
    string family = "";

    /// <summary>Begins a family.</summary>
    /// <param name="name">Its name, with unit, and with <c>_total</c> if it is a counter.</param>
    /// <param name="type"><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
    /// <param name="help">What it is, in a line.</param>
    public void Begin(string name, string type, string help)
    {
        family = name;
        text.Append("# HELP ").Append(name).Append(' ').Append(Escape(help).Replace("\\\"", "\"", StringComparison.Ordinal)).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }

    /// <summary>A sample of the family; <paramref name="suffix"/>: part of a histogram.</summary>
    public void Add(double value, IEnumerable<KeyValuePair<string, string>> labels, string suffix = "")
    {
        text.Append(family).Append(suffix);
        var separator = '{';
        foreach (var (name, label) in labels)
        {
            text.Append(separator).Append(name).Append("=\"").Append(Escape(label)).Append('"');
            separator = ',';
        }
        if (separator == ',') text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>A histogram's samples.</summary>
    /// <param name="bounds">Upper bounds, rising, without infinity.</param>
    /// <param name="counts">Values up to each bound and above the one before; one more for those above all.</param>
    /// <param name="sum">Sum of all values.</param>
    /// <param name="labels">Its labels.</param>
    public void AddHistogram(IReadOnlyList<double> bounds, IReadOnlyList<long> counts, double sum, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        var total = 0L;
        for (var i = 0; i < counts.Count; i++)
        {
            total += counts[i];
            Add(total, labels.Append(new("le", i < bounds.Count ? Number(bounds[i]) : "+Inf")), "_bucket");
        }
        Add(sum, labels, "_sum");
        Add(total, labels, "_count");
    }

    static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : double.IsNaN(value) ? "NaN" : value.ToString("R", CultureInfo.InvariantCulture);

    static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>The page.</summary>
    public override string ToString() => text.ToString();
}
