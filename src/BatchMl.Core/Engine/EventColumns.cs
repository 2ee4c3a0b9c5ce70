using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>
/// The columns of a source that the kernel needs for one view or label: which expressions they are, and how they become an <see cref="EventTable"/>.
/// </summary>
sealed class EventColumns
{
    readonly Source source;
    readonly List<Expr> exprs = [];
    readonly int keys;
    readonly int eventTime = -1, availableAt = -1, deleted = -1, validFrom = -1, validTo = -1, closedKnownAt = -1;
    readonly int[] tieBreak, fact;
    readonly List<int> values = [];

    public EventColumns(Source source, IEnumerable<KeyColumn> keyColumns)
    {
        this.source = source;
        foreach (var key in keyColumns) exprs.Add(key.Expr);
        keys = exprs.Count;
        eventTime = Add(source.EventTimeExpr);
        availableAt = Add(source.AvailableAtExpr);
        deleted = Add(source.DeletedExpr);
        validFrom = Add(source.Validity?.From);
        validTo = Add(source.Validity?.To);
        closedKnownAt = Add(source.Validity?.ClosedKnownAt);
        tieBreak = [.. source.TieBreakExprs.Select(e => Add(e))];
        fact = [.. (source.FactExprs ?? []).Select(e => Add(e))];
    }

    int Add(Expr? expr)
    {
        if (expr is null) return -1;
        exprs.Add(expr);
        return exprs.Count - 1;
    }

    /// <summary>Index of a value in <see cref="EventTable.Values"/>; equal expressions share one.</summary>
    public int Value(Expr expr)
    {
        var known = values.FindIndex(v => exprs[v].Equals(expr));
        if (known >= 0) return known;
        values.Add(Add(expr));
        return values.Count - 1;
    }

    public IReadOnlyCollection<string> SourceColumns => exprs.SelectMany(e => e.Columns()).Distinct().ToArray();

    public int KeyCount => keys;

    /// <summary>The fact's columns among the evaluated ones.</summary>
    public IReadOnlyList<int> Fact => fact;

    /// <summary>When an evaluated row takes effect, and the time by which windows take it in or not; rows that are never known are not asked about.</summary>
    public (IReadOnlyList<long> Effective, IReadOnlyList<long> Happened) Times(RecordBatch batch)
    {
        if (eventTime < 0) return (new long[batch.Length], new long[batch.Length]);
        var happened = ((TimestampArray)batch.Column(eventTime)).Values.ToArray();
        if (availableAt < 0 || source.IgnoresAvailability) return (happened, happened);
        var effective = ((TimestampArray)batch.Column(availableAt)).Values.ToArray();
        for (var i = 0; i < effective.Length; i++) effective[i] = Math.Max(effective[i], happened[i]);
        return (effective, happened);
    }

    /// <summary>What <see cref="EventTable.Values"/> holds.</summary>
    public IReadOnlyList<Expr> ValueExprs => [.. values.Select(v => exprs[v])];

    /// <summary>The evaluated columns as a batch, named by position: what is kept, spilled and joined.</summary>
    public RecordBatch Evaluate(LocatedBatch batch) =>
        new(Schema, exprs.Select(batch.Evaluate), batch.Rows);

    public Schema Schema => new(exprs.Select((e, i) => new Field($"c{i}", Columns.ArrowType(e.Type), true)), null);

    /// <summary>
    /// Rows that can matter to as_of in <c>[.., maxAsOf]</c> looking back to <paramref name="low"/>, of those that take effect after <paramref name="knownBefore"/>; null when all do. Where deletions need an earlier version, that is any version
    /// available by <paramref name="maxAsOf"/>, also one that happens later.
    /// </summary>
    public int[]? Visible(RecordBatch batch, long low, long maxAsOf, bool effectiveAxis, long knownBefore = long.MinValue)
    {
        if (eventTime < 0) return null;
        var happened = (TimestampArray)batch.Column(eventTime);
        var known = availableAt < 0 || source.IgnoresAvailability ? happened : (TimestampArray)batch.Column(availableAt);
        var order = source.RefusesUnknownDeletes && availableAt >= 0 ? (TimestampArray)batch.Column(availableAt) : null;
        var rows = new int[batch.Length];
        var count = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            if (happened.IsNull(i) || known.IsNull(i)) continue;
            var effective = Math.Max(happened.Values[i], known.Values[i]);
            // Under the opt-out a version without available at comes before all others.
            var matters = effective <= maxAsOf || (order is not null && (order.IsNull(i) || order.Values[i] <= maxAsOf));
            if (matters && effective > knownBefore && (effectiveAxis ? effective : happened.Values[i]) >= low) rows[count++] = i;
        }
        return count == rows.Length ? null : rows[..count];
    }

    public EventTable ToTable(IReadOnlyList<RecordBatch> batches, Func<int, string>? describe)
    {
        var columns = exprs.Select((e, i) => batches.Count == 0
            ? ArrowColumns.Empty(e.Type) : Columns.Concat([.. batches.Select(b => b.Column(i))])).ToArray();
        return new EventTable
        {
            Rows = batches.Sum(b => b.Length),
            Keys = columns[..keys],
            EventTime = At<TimestampArray>(columns, eventTime),
            AvailableAt = At<TimestampArray>(columns, availableAt),
            Deleted = At<BooleanArray>(columns, deleted),
            ValidFrom = At<TimestampArray>(columns, validFrom),
            ValidTo = At<TimestampArray>(columns, validTo),
            ClosedKnownAt = At<TimestampArray>(columns, closedKnownAt),
            TieBreak = [.. tieBreak.Select(i => columns[i])],
            Fact = [.. fact.Select(i => columns[i])],
            Values = [.. values.Select(i => columns[i])],
            Describe = describe,
        };
    }

    static T? At<T>(IArrowArray[] columns, int index) where T : class => index < 0 ? null : (T)columns[index];
}

/// <summary>Event rows of one view in memory, with where each came from.</summary>
sealed class EventRows
{
    readonly List<RecordBatch> batches = [];
    readonly List<(int FirstRow, LocatedBatch From, int[]? Kept)> origins = [];
    int rows;

    public long Bytes { get; private set; }

    public IReadOnlyList<RecordBatch> Batches => batches;

    public void Add(RecordBatch evaluated, LocatedBatch origin, int[]? kept)
    {
        // Copied also when all rows are kept: what was read goes with the next batch.
        int[] wanted = kept ?? [.. Enumerable.Range(0, evaluated.Length)];
        var batch = new RecordBatch(evaluated.Schema, evaluated.Arrays.Select(a => Columns.Take(a, wanted)), wanted.Length);
        if (batch.Length == 0) return;
        RowsSinceCarry += batch.Length;
        Keep(batch, origin, kept);
    }

    /// <summary>Rows added since the last carry.</summary>
    public int RowsSinceCarry { get; private set; }

    public void Clear()
    {
        batches.Clear();
        origins.Clear();
        (rows, Bytes, RowsSinceCarry) = (0, 0, 0);
    }

    /// <summary>
    /// Reduces what was read to the carry: rows that become effective after the unit's start, and of the others, per key, those that can still be a latest
    /// row at its start. Exact: nothing that was dropped can be seen by any row of the unit.
    /// </summary>
    public void Carry(ViewComputation view, long unitStart)
    {
        var reduced = CarryAt(view, unitStart);
        Clear();
        foreach (var (batch, origin) in reduced.batches.Zip(reduced.origins)) Keep(batch, origin.From, origin.Kept);
    }

    /// <summary>The same rows, reduced to the carry of a unit that begins then.</summary>
    public EventRows CarryAt(ViewComputation view, long unitStart)
    {
        var keep = Kernel.Carry.Keep(view.Events.ToTable(batches, Describe), view.Query(1), unitStart);
        var reduced = new EventRows();
        foreach (var (batch, origin) in batches.Zip(origins))
        {
            var mine = Enumerable.Range(0, batch.Length).Where(i => keep[origin.FirstRow + i]).ToArray();
            if (mine.Length == 0) continue;
            reduced.Keep(new RecordBatch(batch.Schema, batch.Arrays.Select(a => Columns.Take(a, mine)), mine.Length), origin.From, origin.Kept is null ? mine : [.. mine.Select(i => origin.Kept[i])]);
        }
        return reduced;
    }

    /// <summary>Takes in rows that others hold too: nobody changes them.</summary>
    public void Add(EventRows others)
    {
        foreach (var (batch, origin) in others.batches.Zip(others.origins)) Keep(batch, origin.From, origin.Kept);
    }

    void Keep(RecordBatch batch, LocatedBatch origin, int[]? kept)
    {
        batches.Add(batch);
        // What was read is not kept alive by the memory of where it was.
        origins.Add((rows, origin with { Batch = batch }, kept));
        rows += batch.Length;
        Bytes += batch.Arrays.Sum(a => a.Data.Buffers.Sum(b => (long)b.Length));
    }

    public string Describe(int row)
    {
        var (first, from, kept) = origins[origins.FindLastIndex(o => o.FirstRow <= row)];
        return from.Describe(kept is null ? row - first : kept[row - first]);
    }
}
