using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>
/// The as-of contract written as one would explain it: for each spine row, look at every event row, keep what counts, order, aggregate. Slow, and shares nothing with the kernel. Each decision
/// is a method of its own, so that a <see cref="Mutation.Mutant"/> can get one of them wrong.
/// </summary>
public class NestedLoopOracle(EventTable events, SpineTable spine, AsOfQuery query)
{
    readonly IReadOnlyList<EventRow> rows = EventRow.Of(events);

    /// <summary>What is computed.</summary>
    protected AsOfQuery Query { get; } = query;

    /// <summary>The event table.</summary>
    protected EventTable Events { get; } = events;

    /// <summary>The spine rows.</summary>
    protected SpineTable Spine { get; } = spine;

    /// <summary>The oracle as a function, to plug in where a kernel goes.</summary>
    public static IReadOnlyList<IArrowArray> Compute(EventTable events, SpineTable spine, AsOfQuery query) => new NestedLoopOracle(events, spine, query).Run();

    /// <summary>Computes the query.</summary>
    public virtual IReadOnlyList<IArrowArray> Run()
    {
        var columns = new List<(ColumnType Type, List<object?> Cells)>();
        foreach (var latest in Query.Latest)
            columns.Add((Cells.TypeOf(Events.Values[latest.Value]), []));
        foreach (var aggregate in Query.Windows.SelectMany(w => w.Aggregates))
            columns.Add((ResultType(aggregate), []));

        RefuseEqualVersions();
        RefuseUnknownDeletes();
        RefuseOverlaps();
        for (var i = 0; i < Spine.AsOf.Length; i++)
        {
            var key = Spine.Keys.Select(k => Cells.At(k, i)).ToArray();
            var asOf = Spine.AsOf.GetValue(i)!.Value;
            var facts = FactsAt(key, asOf);
            var column = 0;
            foreach (var latest in Query.Latest)
                columns[column++].Cells.Add(Latest(facts, latest, asOf));
            foreach (var window in Query.Windows)
            {
                var inside = facts.Where(f => InWindow(f, window.Window, asOf)).ToList();
                foreach (var aggregate in window.Aggregates)
                    columns[column++].Cells.Add(Aggregate(inside, aggregate));
            }
        }
        return [.. columns.Select(c => Cells.Build(c.Type, c.Cells))];
    }

    ColumnType ResultType(AggregateSpec aggregate) => aggregate.Kind switch
    {
        AggregateKind.Count or AggregateKind.CountWhere or AggregateKind.DistinctCount => ColumnType.Int64,
        AggregateKind.Mean or AggregateKind.Std or AggregateKind.Share or AggregateKind.Quantile => ColumnType.Double,
        _ => Cells.TypeOf(Events.Values[aggregate.Value]),
    };

    /// <summary>The rows that count for a key at an instant.</summary>
    protected virtual List<EventRow> FactsAt(object?[] key, long asOf)
    {
        var known = Events.EventTime is null ? rows : rows.Where(r => IsKnown(r, asOf));
        var current = Events.Fact.Count == 0 ? known : CurrentVersions([.. known]);
        return [.. current.Where(r => KeyMatches(r.Key, key) && Holds(r, asOf))];
    }

    /// <summary>Keys are tuples of typed components; a null matches nothing.</summary>
    protected virtual bool KeyMatches(object?[] row, object?[] key) => row.Zip(key).All(c => c.First is not null && c.Second is not null && Same(c.First, c.Second));

    /// <summary>When a row takes effect; null: never.</summary>
    protected virtual long? EffectiveAt(EventRow row)
    {
        if (row.EventTime is null || Query.IgnoreAvailability || Events.AvailableAt is null)
            return row.EventTime;
        return row.AvailableAt is null ? null : Math.Max(row.EventTime.Value, row.AvailableAt.Value);
    }

    /// <summary>Whether a row is known at an instant.</summary>
    protected virtual bool IsKnown(EventRow row, long asOf) => EffectiveAt(row) <= asOf;

    /// <summary>Of each fact the greatest version by available at; none where it deletes.</summary>
    protected virtual IEnumerable<EventRow> CurrentVersions(List<EventRow> known)
    {
        var done = new bool[known.Count];
        for (var i = 0; i < known.Count; i++)
        {
            if (done[i])
                continue;
            var versions = new List<EventRow>();
            for (var j = i; j < known.Count; j++)
                if (!done[j] && SameFact(known[i], known[j]))
                {
                    versions.Add(known[j]);
                    done[j] = true;
                }
            var version = CurrentVersion(versions);
            if (!IsDeleted(version))
                yield return version;
        }
    }

    /// <summary>Whether two rows are versions of one fact.</summary>
    protected virtual bool SameFact(EventRow a, EventRow b) => a.Fact.Zip(b.Fact).All(c => Same(c.First, c.Second));

    /// <summary>Whether a version deletes its fact.</summary>
    protected virtual bool IsDeleted(EventRow row) => row.Deleted;

    /// <summary>The version that counts.</summary>
    protected virtual EventRow CurrentVersion(List<EventRow> versions) => versions.MaxBy(VersionOf)!;

    /// <summary>Two versions of one fact that ever become known must not be available at the same time.</summary>
    protected virtual void RefuseEqualVersions()
    {
        if (Events.Fact.Count == 0)
            return;
        var known = rows.Where(r => EffectiveAt(r) is not null).ToList();
        foreach (var a in known)
            if (known.FirstOrDefault(b => b.Ordinal > a.Ordinal && SameFact(a, b) && VersionOf(a) == VersionOf(b)) is { } b)
                throw new DataException($"Versions of one fact need different available-at; rows {a.Ordinal} and {b.Ordinal} have the same.");
    }

    /// <summary>Each version that deletes and is available by the last as_of needs an earlier one, unless that is allowed.</summary>
    protected virtual void RefuseUnknownDeletes()
    {
        if (Query.UnknownDeletesAllowed || Events.Fact.Count == 0)
            return;
        foreach (var deletion in rows.Where(r => IsDeleted(r) && IsVersion(r) && IsAvailable(r)))
            if (!rows.Any(r => IsVersion(r) && SameFact(r, deletion) && IsEarlier(r, deletion)))
                throw new DataException($"Row {deletion.Ordinal} deletes a fact of which there is no earlier version.");
    }

    /// <summary>Whether a version is available at any instant that is asked about.</summary>
    protected virtual bool IsAvailable(EventRow version) => Spine.AsOf.Values.ToArray().Any(asOf => VersionOf(version) <= asOf);

    /// <summary>Whether a row counts among the versions of its fact: it takes effect some time.</summary>
    protected virtual bool IsVersion(EventRow row) => EffectiveAt(row) is not null;

    /// <summary>Whether a version was there before a deletion.</summary>
    protected virtual bool IsEarlier(EventRow version, EventRow deletion) => VersionOf(version) < VersionOf(deletion);

    /// <summary>What orders versions.</summary>
    protected virtual long VersionOf(EventRow row) => Events.AvailableAt is null ? row.EventTime!.Value : row.AvailableAt ?? long.MinValue;

    /// <summary>Whether a known row's validity holds at an instant.</summary>
    protected virtual bool Holds(EventRow row, long asOf) =>
        Events.ValidFrom is null || (row.ValidFrom <= asOf && !(row.ValidTo <= asOf && ClosingKnown(row, asOf)));

    /// <summary>Whether a row's closing is known at an instant.</summary>
    protected virtual bool ClosingKnown(EventRow row, long asOf) => Events.ClosedKnownAt is null || row.ClosedKnownAt <= asOf;

    /// <summary>Two rows of a key, each the last version of its fact that ever becomes known, must not state that they hold at one instant.</summary>
    protected virtual void RefuseOverlaps()
    {
        if (Events.ValidFrom is null)
            return;
        var known = rows.Where(r => EffectiveAt(r) is not null).ToList();
        var last = (Events.Fact.Count == 0 ? known : CurrentVersions(known)).Where(r => r.ValidFrom < (r.ValidTo ?? long.MaxValue)).ToList();
        foreach (var a in last)
            if (last.FirstOrDefault(b => b.Ordinal > a.Ordinal && KeyMatches(a.Key, b.Key) && a.ValidFrom < (b.ValidTo ?? long.MaxValue) && b.ValidFrom < (a.ValidTo ?? long.MaxValue)) is { } b)
                throw new DataException($"Validity intervals of one key overlap: rows {a.Ordinal} and {b.Ordinal}.");
    }

    /// <summary>A latest value.</summary>
    protected virtual object? Latest(List<EventRow> facts, LatestSpec latest, long asOf)
    {
        var candidates = latest.NonNull ? facts.Where(f => f.Values[latest.Value] is not null).ToList() : facts;
        if (candidates.Count == 0)
            return null;
        return IsFresh(candidates.MaxBy(c => c.EventTime)!, asOf) ? Extreme(candidates, 1, latest.Value).Values[latest.Value] : null;
    }

    /// <summary>Whether the chosen row is young enough.</summary>
    protected virtual bool IsFresh(EventRow row, long asOf) =>
        Query.Ttl is null || row.EventTime is null || row.EventTime >= Minus(asOf, Query.Ttl.Value);

    /// <summary>Whether a fact lies in a window.</summary>
    protected virtual bool InWindow(EventRow fact, WindowSpec window, long asOf)
    {
        var at = (window.Axis == WindowAxis.EffectiveAt ? EffectiveAt(fact) : fact.EventTime)!.Value;
        var end = Minus(asOf, window.EndsBefore);
        var start = Minus(end, window.Length);
        return window.Convention switch
        {
            WindowConvention.OpenClosed => start < at && at <= end,
            WindowConvention.ClosedOpen => start <= at && at < end,
            _ => start <= at && at <= end,
        };
    }

    /// <summary>An instant before another; saturates.</summary>
    protected virtual long Minus(long instant, long duration) => (long)Int128.Clamp((Int128)instant - duration, long.MinValue, long.MaxValue);

    /// <summary>The greatest (sign 1) or least (sign -1) row in value order.</summary>
    protected virtual EventRow Extreme(List<EventRow> candidates, int sign, int value)
    {
        var best = candidates.Where(c => candidates.All(other => sign * CompareRows(c, other) >= 0)).ToList();
        if (!Query.TiesAllowed && best.FirstOrDefault(b => !Same(b.Values[value], best[0].Values[value])) is { } other)
            throw new DataException($"A tie: rows {best[0].Ordinal} and {other.Ordinal} are equal in value order with different values; declare a tie-break.");
        return best[^1];
    }

    /// <summary>Value order: event time, available at, tie-break columns.</summary>
    protected virtual int CompareRows(EventRow a, EventRow b)
    {
        var order = Compare(a.EventTime, b.EventTime);
        if (order == 0)
            order = Compare(a.AvailableAt, b.AvailableAt);
        for (var i = 0; order == 0 && i < a.TieBreak.Length; i++)
            order = Compare(a.TieBreak[i], b.TieBreak[i]);
        return order;
    }

    /// <summary>The order of values.</summary>
    protected virtual int Compare(object? a, object? b) => Cells.Compare(a, b);

    /// <summary>Whether values are the same in grouping.</summary>
    protected virtual bool Same(object? a, object? b) => Cells.Compare(a, b) == 0;

    /// <summary>An aggregate of the facts in a window.</summary>
    protected virtual object? Aggregate(List<EventRow> facts, AggregateSpec aggregate)
    {
        if (aggregate.Kind == AggregateKind.Count)
            return (long)facts.Count;
        var value = aggregate.Value;
        if (aggregate.Kind is AggregateKind.First or AggregateKind.Last)
            return facts.Count == 0 ? null : Extreme(facts, aggregate.Kind == AggregateKind.Last ? 1 : -1, value).Values[value];

        var cells = facts.Select(f => f.Values[value]).OfType<object>().ToList();
        return aggregate.Kind switch
        {
            AggregateKind.CountWhere => cells.LongCount(c => c is true),
            AggregateKind.DistinctCount => (long)Distinct(cells),
            _ when cells.Count == 0 => null,
            AggregateKind.Share => cells.LongCount(c => c is true) / (double)cells.Count,
            AggregateKind.Sum => Sum(cells),
            AggregateKind.Mean => Mean(cells),
            AggregateKind.Std => cells.Count < 2 ? null : Std(cells),
            AggregateKind.Min => Ordered(cells)[0],
            AggregateKind.Max => Ordered(cells)[^1],
            AggregateKind.Quantile => Quantile(cells, aggregate.Parameter),
            _ => throw new ArgumentOutOfRangeException(nameof(aggregate), aggregate.Kind, null),
        };
    }

    /// <summary>Values from least to greatest; of equal zeros the negative ones first.</summary>
    protected virtual List<object> Ordered(List<object> cells) =>
        [.. cells.Order(Comparer<object>.Create((a, b) => Compare(a, b) is var c && c != 0 ? c : a is double x && b is double y ? double.IsNegative(y).CompareTo(double.IsNegative(x)) : 0))];

    /// <summary>The number of different values.</summary>
    protected virtual int Distinct(List<object> cells) => cells.Where((c, i) => !cells.Take(i).Any(earlier => Same(earlier, c))).Count();

    /// <summary>The exact sum, rounded once.</summary>
    protected virtual object Sum(List<object> cells)
    {
        if (cells[0] is double)
            return ExactReal.Sum(cells.Cast<double>());
        var sum = cells.Aggregate((Int128)0, (s, c) => s + (long)c);
        return sum >= long.MinValue && sum <= long.MaxValue ? (long)sum : throw new DataException($"The sum {sum} does not fit 64 bits; sum doubles instead.");
    }

    /// <summary>The exact sum over the count.</summary>
    protected virtual double Mean(List<object> cells) => ExactReal.Mean(cells);

    /// <summary>Sample standard deviation.</summary>
    protected virtual double Std(List<object> cells) => ExactReal.Std(cells);

    /// <summary>Linear interpolation between order statistics.</summary>
    protected virtual double Quantile(List<object> cells, double q)
    {
        var ordered = Ordered(cells).ConvertAll(c => c is long i ? i : (double)c);
        var position = (ordered.Count - 1) * q;
        var below = (int)Math.Floor(position);
        var fraction = position - below;
        var (a, b) = (ordered[below], ordered[Math.Min(below + 1, ordered.Count - 1)]);
        return fraction == 0 || Same(a, b) ? a : a + fraction * (b - a);
    }
}
