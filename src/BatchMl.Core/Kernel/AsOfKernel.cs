using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// The evaluated columns of a source's rows that the kernel needs: Arrow in memory, canonical types (<see cref="Data.ColumnType"/>), all of one length.
/// Rows may be in any order.
/// </summary>
public sealed record EventTable
{
    /// <summary>Number of rows.</summary>
    public required int Rows { get; init; }

    /// <summary>The entity's key, one array per component. A null component matches nothing.</summary>
    public required IReadOnlyList<IArrowArray> Keys { get; init; }

    /// <summary>When the fact happened. A null event time never counts. Null: a look-up without time, every row counts always.</summary>
    public TimestampArray? EventTime { get; init; }

    /// <summary>When the row became known; a null value is never. Null: known at its event time.</summary>
    public TimestampArray? AvailableAt { get; init; }

    /// <summary>What ends value order, after event time and available at.</summary>
    public IReadOnlyList<IArrowArray> TieBreak { get; init; } = [];

    /// <summary>Rows of equal values here are versions of one fact, whatever their key; empty: every row is a fact of its own. Nulls are equal to each other.</summary>
    public IReadOnlyList<IArrowArray> Fact { get; init; } = [];

    /// <summary>True on a version that deletes its fact; null array: none does.</summary>
    public BooleanArray? Deleted { get; init; }

    /// <summary>Validity begins, inclusive; null array: no validity.</summary>
    public TimestampArray? ValidFrom { get; init; }

    /// <summary>Validity ends, exclusive; a null value is open.</summary>
    public TimestampArray? ValidTo { get; init; }

    /// <summary>When the end became known; null array: with the row; a null value beside a non-null <see cref="ValidTo"/>: never.</summary>
    public TimestampArray? ClosedKnownAt { get; init; }

    /// <summary>The inputs of latest features and aggregates, by <see cref="LatestSpec.Value"/> and <see cref="AggregateSpec.Value"/>.</summary>
    public IReadOnlyList<IArrowArray> Values { get; init; } = [];

    /// <summary>Names a row (file and row number) in error messages; null: its ordinal.</summary>
    public Func<int, string>? Describe { get; init; }
}

/// <summary>The spine rows: key components, in the order and types of <see cref="EventTable.Keys"/>, and as_of (no nulls).</summary>
public sealed record SpineTable(IReadOnlyList<IArrowArray> Keys, TimestampArray AsOf);

/// <summary>A latest value.</summary>
/// <param name="Value">Index into <see cref="EventTable.Values"/>.</param>
/// <param name="NonNull">Only rows whose value is not null compete.</param>
public sealed record LatestSpec(int Value, bool NonNull);

/// <summary>An aggregate.</summary>
/// <param name="Kind">What is computed.</param>
/// <param name="Value">Index into <see cref="EventTable.Values"/>; -1 for Count.</param>
/// <param name="Parameter">The quantile.</param>
public sealed record AggregateSpec(AggregateKind Kind, int Value, double Parameter = 0);

/// <summary>Aggregates over one window.</summary>
public sealed record WindowAggregates(WindowSpec Window, IReadOnlyList<AggregateSpec> Aggregates);

/// <summary>What to compute.</summary>
public sealed record AsOfQuery
{
    /// <summary>Latest values.</summary>
    public IReadOnlyList<LatestSpec> Latest { get; init; } = [];

    /// <summary>Oldest event time of a latest row, before as_of, inclusive, microseconds; null: any.</summary>
    public long? Ttl { get; init; }

    /// <summary>Windows, each with its aggregates.</summary>
    public IReadOnlyList<WindowAggregates> Windows { get; init; } = [];

    /// <summary>Two rows equal in value order with different values: false an error, true the later row of the table counts.</summary>
    public bool TiesAllowed { get; init; }

    /// <summary>A fact whose first version, by available at, deletes it: false an error, once that version is available by the last as_of; true it changes nothing.</summary>
    public bool UnknownDeletesAllowed { get; init; }

    /// <summary>Opt-out: effective_at is the event time. Value order and the order of versions stay as they are.</summary>
    public bool IgnoreAvailability { get; init; }

    /// <summary>Threads to use over keys, at least 1. The result does not depend on it.</summary>
    public int MaxThreads { get; init; } = 1;
}

/// <summary>
/// The as-of kernel (design section 4). Buckets rows by key, orders each bucket by <c>effective_at = max(event time, available at)</c> and sweeps
/// once, all windows together; a spine row of time T sees exactly the rows with <c>effective_at &lt;= T</c>. Value order is <c>(event time, available at, tie-break
/// columns)</c>. Facts count in their greatest known version; validity closes when its closing is known; sums are exact. The result has exactly the spine's rows, in its order, and depends
/// on nothing but the set of rows: not on their order, threads or partitioning.
/// </summary>
public static class AsOfKernel
{
    // Below this many rows a second thread costs more than it gives.
    const int RowsPerThread = 16_384;

    /// <summary>
    /// Computes the query. Returns first the <see cref="AsOfQuery.Latest"/> columns, then each window's aggregates, in canonical Arrow types
    /// (an aggregate's type: <see cref="Aggregate.Type"/>).
    /// </summary>
    /// <exception cref="DataException">Ties with different values, overlapping validity intervals of one key, several rows of one key in a look-up, an integer sum
    /// beyond 64 bits, fact versions with equal available-at, a deletion of a fact that nobody knows: names the rows.</exception>
    public static IReadOnlyList<IArrowArray> Compute(EventTable events, SpineTable spine, AsOfQuery query)
    {
        CheckTypes(events.Keys, spine.Keys);
        var rows = spine.AsOf.Length;
        var threads = Math.Clamp((events.Rows + rows) / RowsPerThread, 1, Math.Max(1, query.MaxThreads));
        var (eventCodes, spineCodes, keys) = Encode(events, spine, threads);
        // Nobody but deletions asks for it.
        var times = RowTimes.Of(events, query, eventCodes, events.Deleted is null ? long.MaxValue : LastOf(spine.AsOf));
        var eventsByKey = new Buckets(eventCodes, keys, times.Enter, times.Never, threads);
        var spineByKey = new Buckets(spineCodes, keys, spine.AsOf.Values.ToArray(), threads: threads);
        return new KernelComputation(events, query, times, eventsByKey, spineByKey, rows).Run(threads);
    }

    /// <summary>Refuses versions of facts that contradict each other, for whoever has all versions of some facts but not all rows of a key; nothing is computed.</summary>
    internal static void CheckVersions(EventTable events, AsOfQuery query, long lastAsOf) =>
        RowTimes.Of(events with { ValidFrom = null, ValidTo = null, ClosedKnownAt = null }, query, [], lastAsOf);

    static long LastOf(TimestampArray asOf)
    {
        var last = long.MinValue;
        foreach (var t in asOf.Values) last = Math.Max(last, t);
        return last;
    }

    // The shorter side says what keys there are: its table is the smaller one, and rows of the other that nobody asks for are gone before they cost anything. Only stated validity is
    // held to its rules whether or not it is asked for.
    static (int[] Events, int[] Spine, int Keys) Encode(EventTable events, SpineTable spine, int threads)
    {
        var encoder = new KeyEncoder(events.Keys);
        var rows = spine.AsOf.Length;
        if (events.ValidFrom is not null || events.Rows < rows)
        {
            var added = encoder.Add(events.Keys, events.Rows);
            return (added, encoder.Find(spine.Keys, rows, threads), encoder.Count);
        }
        var asked = encoder.Add(spine.Keys, rows);
        return (encoder.Find(events.Keys, events.Rows, threads), asked, encoder.Count);
    }

    static void CheckTypes(IReadOnlyList<IArrowArray> events, IReadOnlyList<IArrowArray> spine)
    {
        string expected = Types(events), got = Types(spine);
        if (expected != got) throw new ArgumentException($"The spine's keys are ({got}), the events' ({expected}); both must be of the same types in the same order.", nameof(spine));
    }

    static string Types(IReadOnlyList<IArrowArray> keys) => string.Join(", ", keys.Select(k => k.Data.DataType.Name));

    /// <summary>
    /// For one spine row: every row of its key with what became of it. For <c>explain</c>; slow and plain.
    /// </summary>
    public static IReadOnlyList<ExplainedRow> Explain(EventTable events, SpineTable spine, int spineRow, AsOfQuery query)
    {
        CheckTypes(events.Keys, spine.Keys);
        return RowExplanation.Of(events, spine, spineRow, query);
    }
}

/// <summary>What became of an event row for one spine row.</summary>
/// <param name="Row">Ordinal in the event table.</param>
/// <param name="Fate">Whether it counted, or why not: one reason for the row as a whole.</param>
/// <param name="Other">The row that this fate is about, if there is one. Superseded, deleted: the version that counts instead, or deletes the fact (null: the row itself does).
/// Not the latest: the row that hides it. Late, not happened: the older version of its fact that is in force until then. Counted: the next version of its fact, known only after as_of.</param>
/// <param name="LatestFates">By latest spec, counted or why not; empty for a row that could not be seen at all.</param>
/// <param name="WindowFates">The same by window.</param>
public sealed record ExplainedRow(int Row, RowFate Fate, int? Other, IReadOnlyList<RowFate> LatestFates, IReadOnlyList<RowFate> WindowFates)
{
    /// <summary>Indices of the latest specs whose value it gave.</summary>
    public IReadOnlyList<int> Latest { get; } = Counted(LatestFates);

    /// <summary>Indices of the windows it was in.</summary>
    public IReadOnlyList<int> Windows { get; } = Counted(WindowFates);

    static IReadOnlyList<int> Counted(IReadOnlyList<RowFate> fates) => [.. Enumerable.Range(0, fates.Count).Where(i => fates[i] == RowFate.Counted)];
}

/// <summary>Why a row counted or did not.</summary>
public enum RowFate
{
    /// <summary>Gave a latest value or was in a window.</summary>
    Counted,
    /// <summary>Happened by as_of, but became known only after it.</summary>
    Late,
    /// <summary>At as_of a later version of its fact was known.</summary>
    Superseded,
    /// <summary>At as_of a version was known that deletes its fact.</summary>
    Deleted,
    /// <summary>Its validity was over at as_of, and that was known.</summary>
    Closed,
    /// <summary>Its validity begins after as_of, or has no beginning.</summary>
    NotBegun,
    /// <summary>It has no time, or happened by as_of and has no instant at which it became known.</summary>
    NeverKnown,
    /// <summary>Seen, but another row is greater in value order.</summary>
    NotLatest,
    /// <summary>Seen, but its value is null where the latest value that is not null is asked for.</summary>
    NoValue,
    /// <summary>Seen, but only after the end of a window that ends before as_of, or at an end that does not belong to it.</summary>
    AfterWindow,
    /// <summary>Seen, but older than the ttl, or before the start of the window.</summary>
    TooOld,
    /// <summary>Happens after as_of, whether or not it is ever known.</summary>
    NotHappened,
}
