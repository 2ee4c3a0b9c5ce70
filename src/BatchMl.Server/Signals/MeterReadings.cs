using System.Diagnostics.Metrics;
using BatchMl.Telemetry;

namespace BatchMl.Server.Signals;

/// <summary>Counts what the instruments of this process tell, since it started.</summary>
sealed class MeterReadings : IDisposable
{
    readonly Lock gate = new();
    readonly SortedDictionary<string, Family> families = new(StringComparer.Ordinal);
    readonly MeterListener listener = new();

    sealed record Family(Instrument Instrument, IReadOnlyList<double>? Bounds, Dictionary<string, Series> Series);

    sealed class Series(IReadOnlyList<KeyValuePair<string, string>> labels, int buckets)
    {
        public IReadOnlyList<KeyValuePair<string, string>> Labels { get; } = labels;
        public long[] Counts { get; } = new long[buckets];
        public double Sum { get; set; }
    }

    public MeterReadings()
    {
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name != Instruments.Name) return;
            lock (gate) families[NameOf(instrument)] = new Family(instrument, (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries, []);
            l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
    }

    // As OpenTelemetry's instruments are called in Prometheus: underscores, the unit in full and in the plural, counters with _total.
    static string NameOf(Instrument instrument) =>
        instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "") + (instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Counter<>) ? "_total" : "");

    void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++) labels[i] = new(tags[i].Key.Replace('.', '_'), tags[i].Value?.ToString() ?? "");
        lock (gate)
        {
            var series = SeriesOf(families[NameOf(instrument)], labels);
            series.Sum += value;
            if (families[NameOf(instrument)].Bounds is not { } bounds) return;
            var bucket = 0;
            while (bucket < bounds.Count && value > bounds[bucket]) bucket++;
            series.Counts[bucket]++;
        }
    }

    static Series SeriesOf(Family family, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        var key = string.Join('\u0001', labels.Select(l => $"{l.Key}\u0002{l.Value}"));
        if (!family.Series.TryGetValue(key, out var series)) family.Series[key] = series = new Series(labels, (family.Bounds?.Count ?? 0) + 1);
        return series;
    }

    /// <summary>Makes a series be there before anything happened, so that the first increase is seen.</summary>
    public void Expect(string family, params IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        lock (gate)
        {
            if (families.TryGetValue(family, out var known)) SeriesOf(known, labels);
        }
    }

    /// <summary>Writes all of it.</summary>
    public void WriteTo(PrometheusPage page)
    {
        lock (gate)
        {
            foreach (var (name, family) in families)
            {
                page.Begin(name, family.Bounds is null ? "counter" : "histogram", family.Instrument.Description ?? name);
                foreach (var series in family.Series.Values)
                {
                    if (family.Bounds is { } bounds) page.AddHistogram(bounds, series.Counts, series.Sum, series.Labels);
                    else page.Add(series.Sum, series.Labels);
                }
            }
        }
    }

    public void Dispose() => listener.Dispose();
}
