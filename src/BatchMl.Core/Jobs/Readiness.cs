using System.Globalization;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;

namespace BatchMl.Jobs;

/// <summary>
/// Whether the sources that a query reads are ready for partitions of its spine, by the rule that each is bound with. A look-up has no time, so only a marker can tell of it; a spine's rows have their as_of, and there is nothing to wait for
/// behind those that are there.
/// </summary>
sealed class Readiness
{
    readonly IPinnedQuery pinned;
    readonly Dictionary<string, SuccessMarkers> markers = new(StringComparer.Ordinal);
    readonly List<(PinnedSource Source, long? Has)> watermarks = [];
    readonly ReadyRule spineRule;
    readonly long labelsUntil;

    Readiness(IPinnedQuery pinned, ReadyRule spineRule, long labelsUntil) => (this.pinned, this.spineRule, this.labelsUntil) = (pinned, spineRule, labelsUntil);

    /// <summary>Looks at all sources as far as partitions need it.</summary>
    /// <param name="pinned">The query.</param>
    /// <param name="rules">When a source is ready, by its name.</param>
    /// <param name="partitions">Of the query's spine.</param>
    /// <param name="labelsUntil">Labels in the future are needed up to here at most, microseconds.</param>
    /// <param name="cancel">Stops reading.</param>
    /// <exception cref="DefinitionException">A rule that can not tell of its source.</exception>
    public static async Task<Readiness> OfAsync(IPinnedQuery pinned, Func<string, SourceReadiness> rules, IReadOnlyList<SpinePartition> partitions, long labelsUntil, CancellationToken cancel)
    {
        var ruled = pinned.Sources.Select(s => s.Source.Name).Distinct().ToDictionary(n => n, rules, StringComparer.Ordinal);
        var readiness = new Readiness(pinned, ruled[pinned.Query.Spine.Source.Name].Rule, labelsUntil);
        foreach (var (name, rule) in ruled.Where(r => r.Value.Rule == ReadyRule.Success)) readiness.markers[name] = new SuccessMarkers(rule.Paths);
        foreach (var named in pinned.Sources.Where(s => ruled[s.Source.Name].Rule == ReadyRule.Watermark).GroupBy(s => s.Source.Name))
        {
            var timed = named.Where(readiness.HasTime).ToArray();
            if (timed.Length == 0 && !named.Any(readiness.IsRowSpine))
            {
                throw new DefinitionException($"Sources:{named.Key}:Ready is watermark, but rows of '{named.Key}' have no time, so none of them is the newest. Expected success (a marker file {SuccessMarkers.Names}) or none.");
            }
            foreach (var source in timed)
            {
                var needed = partitions.Select(p => readiness.Needed(source, p)).DefaultIfEmpty(long.MinValue).Max();
                readiness.watermarks.Add((source, await Watermark.OfAsync(source, needed, cancel)));
            }
        }
        return readiness;
    }

    bool IsRowSpine(PinnedSource source) => source.Role == "spine" && pinned.Query.Spine.Calendar is null;

    bool HasTime(PinnedSource source) => !IsRowSpine(source) && source.Source.EventTimeExpr is not null;

    long Needed(PinnedSource source, SpinePartition partition) => source.Role == "label" && pinned.Query.Label is FutureLabel future && partition.MaxAsOf != long.MinValue
        ? Math.Min(FragmentPruning.Add(partition.MaxAsOf, FragmentPruning.Add(future.Horizon, future.Lateness)), labelsUntil) : partition.MaxAsOf;

    /// <summary>What is not ready for any of some partitions, each source once: with the greatest need.</summary>
    public IReadOnlyList<AwaitedInput> Awaited(params IReadOnlyList<SpinePartition> partitions)
    {
        var awaited = new List<AwaitedInput>();
        foreach (var (name, marker) in markers)
        {
            if (partitions.Select(p => marker.Missing(p.Value)).FirstOrDefault(m => m is not null) is { } missing) awaited.Add(Unmarked(name, missing));
        }
        foreach (var (source, has) in watermarks)
        {
            var needed = partitions.Max(p => Needed(source, p));
            if (needed != long.MinValue && !(has >= needed)) awaited.Add(Behind(source.Source.Name, has, needed));
        }
        return [.. awaited.DistinctBy(a => a.Source)];
    }

    /// <summary>
    /// Dates whose time has come but of which the spine's source has no rows, and is not ready either: without a rule such a date has no partition, and nobody would hear of it.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="due">Now.</param>
    /// <param name="range">Which dates are asked for.</param>
    /// <param name="found">Partitions that the source has rows of.</param>
    /// <param name="cancel">Stops reading.</param>
    public async Task<IReadOnlyList<(SpinePartition Partition, AwaitedInput Awaits)>> AbsentAsync(
        DatasetJob job, DateTimeOffset due, PartitionRange range, IReadOnlyList<SpinePartition> found, CancellationToken cancel)
    {
        var query = pinned.Query;
        if (spineRule == ReadyRule.None || query.Spine.Calendar is not null || query.PartitionExpr.Type != ColumnType.Date) return [];
        var known = found.Select(p => p.Value).ToHashSet(StringComparer.Ordinal);
        var days = new List<SpinePartition>();
        for (var day = range.From ?? (found.Count > 0 ? PartitionValues.ParseDate(found[0].Value) : DateOnly.MaxValue); day < (range.To ?? DateOnly.MaxValue); day = day.AddDays(1))
        {
            var (start, end) = (NominalTime.Midnight(day, query.PartitionZone), NominalTime.Midnight(day.AddDays(1), query.PartitionZone));
            if (end + job.DueAfter > due) break;
            var value = PartitionValues.FormatDate(day);
            if (!known.Contains(value) && (range.Only.Count == 0 || range.Only.Contains(value))) days.Add(new SpinePartition(value, 0, start.ToUnixMicroseconds(), end.ToUnixMicroseconds(), 0));
        }
        if (days.Count == 0) return [];
        var name = query.Spine.Source.Name;
        if (spineRule == ReadyRule.Success)
        {
            return [.. days.Select(d => (Day: d, Missing: markers[name].Missing(d.Value))).Where(d => d.Missing is not null).Select(d => (d.Day, Unmarked(name, d.Missing!)))];
        }
        // A day without rows is over once the source has rows of a later one.
        var has = await Watermark.OfSpineAsync(pinned.Sources.First(s => s.Role == "spine"), query.Spine, days[^1].MaxAsOf, cancel);
        return [.. days.Where(d => !(has >= d.MaxAsOf)).Select(d => (d, Behind(name, has, d.MaxAsOf)))];
    }

    static AwaitedInput Unmarked(string source, string missing) => new(source, missing, SuccessMarkers.Names);

    static AwaitedInput Behind(string source, long? has, long needed) => new(source, has is { } newest ? $"rows until {Instant(newest)}" : "no row yet", $"until {Instant(needed)}");

    static string Instant(long time) => ArrowColumns.FromUnixMicroseconds(time).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
