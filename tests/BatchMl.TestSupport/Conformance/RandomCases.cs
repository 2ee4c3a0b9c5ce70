using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>
/// Small random inputs in which everything collides: few instants, few keys, nulls, NaN, late rows, versions, deletions, validity. A seed gives the same cases for ever.
/// </summary>
/// <param name="seed">The seed.</param>
/// <param name="rows">Most rows, exclusive; with more of them there are more instants and longer windows too.</param>
public sealed class RandomCases(int seed, int rows = 15)
{
    static readonly ColumnType[] types = [ColumnType.Double, ColumnType.Int64, ColumnType.Boolean, ColumnType.String, ColumnType.Timestamp, ColumnType.Date];
    static readonly string[] texts = ["", "a", "ab", "b", "é", "\uff5e", "\U0001F600", "a\0b"];
    static readonly double[] plain = [0, 1, 2, 2.5, -1, 0.1, 0.2, 0.3, 1e16, -1e16];
    static readonly double[] wild = [-0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, -double.MaxValue, double.Epsilon, 1e300, -1e-300, 2.2250738585072014e-308];

    readonly Random random = new(seed);
    long unit;
    bool wildValues;

    /// <summary>The next case.</summary>
    public AsOfCase Next()
    {
        // Instants are few whole units around 1970, so that equal times, edges and negative epochs are the rule.
        unit = Pick(1L, 1_000L, 3_600_000_000L);
        wildValues = Chance(0.3);
        var lookUp = Chance(0.04);
        var shape = Shape(lookUp);
        var events = Enumerable.Range(0, random.Next(rows)).Select(_ => Row(shape)).ToList();
        if (shape.Events.Fact.Count > 0 && Chance(0.9))
            events = WithDistinctVersions(events, shape.Events.AvailableAt is not null);
        if (shape.Events.Deleted is not null && Chance(0.4))
            events = WithKnownDeletes(events, shape.Events.AvailableAt is not null);
        if (shape.Events.ValidFrom is not null && Chance(0.9))
            events = WithoutOverlaps(events);
        if (shape.UniqueTieBreak)
            events = [.. Shuffled(events.Count).Zip(events, (n, r) => r with { TieBreak = [.. r.TieBreak[..^1], (long)n] })];
        var spine = Enumerable.Range(0, random.Next(9)).Select(_ => (Key: Key(shape.KeyTypes), AsOf: Instant())).ToList();
        return new AsOfCase(EventRow.Table(events, shape.Events), new SpineTable(
            [.. shape.KeyTypes.Select((t, i) => Cells.Build(t, [.. spine.Select(s => s.Key[i])]))], Cells.Timestamps([.. spine.Select(s => (object?)s.AsOf)])), Query(lookUp));
    }

    (EventTable Events, ColumnType[] KeyTypes, bool UniqueTieBreak) Shape(bool lookUp)
    {
        ColumnType[] keys = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Pick(types))];
        ColumnType[] ties = lookUp ? [] : [.. Enumerable.Range(0, random.Next(3)).Select(_ => Pick(types))];
        var unique = !lookUp && Chance(0.6);
        if (unique)
            ties = [.. ties, ColumnType.Int64];
        var (time, never) = (Cells.Timestamps([]), (TimestampArray?)null);
        var validity = !lookUp && Chance(0.25);
        var facts = !lookUp && Chance(0.35);
        return (new EventTable
        {
            Rows = 0,
            Keys = Empty(keys),
            EventTime = lookUp ? never : time,
            AvailableAt = !lookUp && Chance(0.7) ? time : never,
            TieBreak = Empty(ties),
            Fact = facts ? Empty([.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Pick(types))]) : [],
            Deleted = facts && Chance(0.5) ? new BooleanArray.Builder().Build() : null,
            ValidFrom = validity ? time : never,
            ValidTo = validity && Chance(0.9) ? time : never,
            ClosedKnownAt = validity && Chance(0.6) ? time : never,
            Values = Empty(types),
        }, keys, unique);
    }

    static IReadOnlyList<IArrowArray> Empty(ColumnType[] columns) => [.. columns.Select(t => Cells.Build(t, []))];

    EventRow Row((EventTable Events, ColumnType[] KeyTypes, bool) shape)
    {
        var at = Instant();
        var from = Chance(0.7) ? at : Instant();
        return new EventRow
        {
            Key = Key(shape.KeyTypes),
            EventTime = Chance(0.05) ? null : at,
            AvailableAt = Chance(0.05) ? null : at + unit * random.Next(-2, 7),
            TieBreak = [.. shape.Events.TieBreak.Select(t => Value(Cells.TypeOf(t)))],
            Fact = [.. shape.Events.Fact.Select(t => Chance(0.1) ? null : Few(Cells.TypeOf(t)))],
            Deleted = Chance(0.2),
            ValidFrom = Chance(0.05) ? null : from,
            ValidTo = Chance(0.3) ? null : from + unit * random.Next(-1, 6),
            ClosedKnownAt = Chance(0.2) ? null : from + unit * random.Next(0, 12),
            Values = [.. types.Select(Value)],
        };
    }

    // One instant per row, so that no two versions of a fact became available together.
    List<EventRow> WithDistinctVersions(List<EventRow> events, bool byAvailableAt) =>
        [.. Shuffled(events.Count).Zip(events, (n, r) => byAvailableAt ? r with { AvailableAt = unit * (n - 5) } : r with { EventTime = unit * (n - 5) })];

    // Nothing is deleted by the first version of a fact.
    static List<EventRow> WithKnownDeletes(List<EventRow> events, bool byAvailableAt)
    {
        long? Version(EventRow row) => row.EventTime is null ? null : byAvailableAt ? row.AvailableAt : row.EventTime;
        return [.. events.Select(r => r with { Deleted = r.Deleted && events.Any(o => o.Fact.Zip(r.Fact).All(c => Cells.Compare(c.First, c.Second) == 0) && Version(o) < Version(r)) })];
    }

    // Each key's intervals one after the other, with gaps or without.
    List<EventRow> WithoutOverlaps(List<EventRow> events)
    {
        var free = new Dictionary<string, long>();
        return [.. events.Select(r =>
        {
            var key = string.Join('|', r.Key.Select(c => c ?? "null"));
            var from = free.GetValueOrDefault(key, unit * random.Next(-8, 0)) + unit * random.Next(0, 2);
            var to = from + unit * random.Next(1, 6);
            free[key] = to;
            return r with { EventTime = r.EventTime == r.ValidFrom ? from : r.EventTime, ValidFrom = from, ValidTo = to };
        })];
    }

    AsOfQuery Query(bool lookUp) => new()
    {
        Latest = [.. Enumerable.Range(0, random.Next(lookUp ? 1 : 0, 4)).Select(_ => new LatestSpec(random.Next(types.Length), Chance(0.4)))],
        Ttl = Chance(0.5) ? unit * random.Next(0, 8) : null,
        Windows = lookUp ? [] : [.. Enumerable.Range(0, random.Next(4)).Select(_ => new WindowAggregates(
            new WindowSpec(unit * random.Next(1, Reach), Chance(0.3) ? unit * random.Next(1, 5) : 0, (WindowConvention)random.Next(3), (WindowAxis)random.Next(2)),
            [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Aggregate())]))],
        TiesAllowed = Chance(0.4),
        UnknownDeletesAllowed = Chance(0.5),
        IgnoreAvailability = Chance(0.1),
    };

    AggregateSpec Aggregate()
    {
        var kind = Pick(Enum.GetValues<AggregateKind>());
        return kind switch
        {
            AggregateKind.Count => new AggregateSpec(kind, -1),
            AggregateKind.CountWhere or AggregateKind.Share => new AggregateSpec(kind, System.Array.IndexOf(types, ColumnType.Boolean)),
            AggregateKind.Sum or AggregateKind.Mean or AggregateKind.Std => new AggregateSpec(kind, random.Next(2)),
            AggregateKind.Quantile => new AggregateSpec(kind, random.Next(2), Pick(0, 0.1, 0.25, 0.5, 0.9, 1)),
            _ => new AggregateSpec(kind, random.Next(types.Length)),
        };
    }

    object?[] Key(ColumnType[] columns) => [.. columns.Select(t => Chance(0.06) ? null : Few(t))];

    object Few(ColumnType type) => type switch
    {
        ColumnType.Double => Pick(0.0, -0.0, double.NaN),
        ColumnType.Int64 => (long)random.Next(2),
        ColumnType.Boolean => Chance(0.5),
        ColumnType.String => Pick("a", "ab", ""),
        ColumnType.Timestamp => (long)random.Next(-1, 1),
        _ => random.Next(2),
    };

    object? Value(ColumnType type) => Chance(0.15) ? null : type switch
    {
        ColumnType.Double => wildValues && Chance(0.4) ? Pick(wild) : Chance(0.2) ? (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20)) : Pick(plain),
        ColumnType.Int64 => wildValues && Chance(0.05) ? Pick(long.MaxValue, long.MinValue, (1L << 53) + 1) : random.NextInt64(-3, 4),
        ColumnType.Boolean => Chance(0.5),
        ColumnType.String => Pick(texts),
        ColumnType.Timestamp => Instant(),
        _ => random.Next(-2, 3),
    };

    long Instant() => unit * random.Next(-Reach, Reach) + (Chance(0.1) ? random.Next(-1, 2) : 0);

    // Twenty instants for the usual cases.
    int Reach => 10 * Math.Max(1, rows / 60);

    int[] Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }

    bool Chance(double probability) => random.NextDouble() < probability;

    T Pick<T>(params T[] choices) => choices[random.Next(choices.Length)];
}
