using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>
/// Reads a spine of population x calendar: at each instant the rows of the source that hold and are known then, in the source's order.
/// </summary>
sealed class PopulationSpineReader(FeatureQuery query, BoundSource source, FeatureOptions options) : SpineReader
{
    Spine Spine => query.Spine;

    public override Task<IReadOnlyList<SpinePartition>> CountAsync(DateOnly? from, DateOnly? to, CancellationToken cancel)
    {
        if (from is null)
        {
            throw new DefinitionException($"The spine over '{source.Source.Name}' asks a population at the instants of a calendar, so it needs a first date: --from YYYY-MM-DD, or a first date in the job.");
        }
        // A day before and two after cover every zone; the partition value decides.
        var low = FragmentPruning.Midnight(from.Value) - Clock.DayMicroseconds;
        var high = to is { } end
            ? Math.Min(FragmentPruning.Midnight(end) + 2 * Clock.DayMicroseconds, FragmentPruning.Add(options.Now.ToUnixMicroseconds(), 1))
            : FragmentPruning.Add(options.Now.ToUnixMicroseconds(), 1);
        var partitions = Spine.Calendar!.Between(low, high).Select(t => (Instant: t, Value: Partition(t)))
            .Where(p => InRange(p.Value, from, to)).GroupBy(p => p.Value, StringComparer.Ordinal)
            .Select(g => new SpinePartition(g.Key, -1, g.Min(p => p.Instant), g.Max(p => p.Instant), 0));
        return Task.FromResult<IReadOnlyList<SpinePartition>>([.. partitions.OrderBy(p => p.Value, StringComparer.Ordinal)]);
    }

    public override async IAsyncEnumerable<SpineRows> ReadAsync(
        IReadOnlyList<SpinePartition> partitions, int pieceRows, long pieceBytes, [EnumeratorCancellation] CancellationToken cancel)
    {
        var wanted = partitions.Select(p => p.Value).ToHashSet(StringComparer.Ordinal);
        var max = partitions.Max(p => p.MaxAsOf);
        var instants = Spine.Calendar!.Between(partitions.Min(p => p.MinAsOf), max + 1).Where(t => wanted.Contains(Partition(t))).ToArray();
        var fragments = FragmentPruning.Visible(source, null, false, instants[0], max);
        Expr[] exprs = [.. Spine.Columns.Select(c => c.Expr), .. Optional(Spine.WhereExpr), .. PopulationRows.Exprs(source.Source)];
        var columns = ColumnsOf(exprs).Where(c => c != FeatureQuery.AsOf).ToArray();
        var read = new List<LocatedBatch>();
        await foreach (var batch in source.ReadAsync(columns, fragments, options.BatchSize, cancel)) read.Add(batch.Copy());

        var population = new PopulationRows(source.Source, read);
        population.RefuseUnknownDeletes(max);
        var collector = new SpineCollector(query, options.Now);
        foreach (var instant in instants)
        {
            cancel.ThrowIfCancellationRequested();
            foreach (var (batch, rows) in population.At(instant))
            {
                var at = WithAsOf(batch.Take(rows), instant);
                if (Spine.WhereExpr is { } where) at = at.Where(where);
                if (at.Rows > 0) collector.Add(at);
                if (collector.IsFull(pieceRows, pieceBytes)) yield return collector.Finish();
            }
        }
        if (!collector.IsEmpty) yield return collector.Finish();
    }

    // Who is asked at an instant depends on all rows of the source.
    public override IReadOnlyList<int> Parts(IReadOnlyList<SpinePartition> partitions) => [0];

    public override async IAsyncEnumerable<(SpineRows Rows, long[] Places)> ReadPartsAsync(
        IReadOnlyList<SpinePartition> partitions, IReadOnlyList<int> parts, [EnumeratorCancellation] CancellationToken cancel)
    {
        var next = 0L;
        await foreach (var rows in ReadAsync(partitions, options.BatchSize, options.MemoryBytes / 8, cancel))
        {
            var places = new long[rows.Rows];
            for (var i = 0; i < places.Length; i++) places[i] = next++;
            yield return (rows, places);
        }
    }

    public override IReadOnlyList<int> Fragments(SpinePartition partition) =>
        FragmentPruning.Visible(source, null, false, partition.MinAsOf, partition.MaxAsOf);

    static LocatedBatch WithAsOf(LocatedBatch batch, long instant)
    {
        var asOf = new long[batch.Rows];
        asOf.AsSpan().Fill(instant);
        Field[] fields = [.. batch.Batch.Schema.FieldsList, new Field(FeatureQuery.AsOf, Columns.UtcMicroseconds, true)];
        return batch with { Batch = new RecordBatch(new Schema(fields, null), [.. batch.Batch.Arrays, ArrowColumns.Timestamps(asOf)], batch.Rows) };
    }

    string Partition(long instant)
    {
        var value = Interpreter.Evaluate(query.PartitionExpr, name => name == FeatureQuery.AsOf ? instant : throw new DefinitionException(
            $"The partition '{Spine.PartitionName}' of a population x calendar is decided by as_of alone, but {query.PartitionExpr} reads column '{name}'."));
        return value is int days ? PartitionValues.FormatDate(FragmentPruning.Date(days)) : (string)value!;
    }

    bool InRange(string value, DateOnly? from, DateOnly? to)
    {
        if (query.PartitionExpr.Type != ColumnType.Date) return true;
        var date = PartitionValues.ParseDate(value);
        return date >= from && !(date >= to);
    }
}

/// <summary>Which rows of a source hold at an instant, as far as was known then.</summary>
sealed class PopulationRows
{
    readonly Source source;
    readonly IReadOnlyList<LocatedBatch> batches;
    readonly List<Times> times = [];

    sealed record Times(long[] Effective, long[] Available, string[]? Fact, bool[]? Deleted, long[]? From, long[]? To, long[]? ClosedKnownAt);

    public PopulationRows(Source source, IReadOnlyList<LocatedBatch> batches)
    {
        (this.source, this.batches) = (source, batches);
        foreach (var batch in batches) times.Add(Read(batch));
    }

    public static IEnumerable<Expr> Exprs(Source source)
    {
        Expr?[] all = [source.EventTimeExpr, source.AvailableAtExpr, source.DeletedExpr, source.Validity?.From, source.Validity?.To, source.Validity?.ClosedKnownAt, .. source.FactExprs ?? []];
        return all.OfType<Expr>();
    }

    /// <summary>The rows that hold at an instant, by batch.</summary>
    public IEnumerable<(LocatedBatch Batch, int[] Rows)> At(long instant)
    {
        var current = source.FactExprs is null ? null : CurrentVersions(instant);
        for (var b = 0; b < batches.Count; b++)
        {
            var t = times[b];
            var rows = new List<int>();
            for (var i = 0; i < batches[b].Rows; i++)
            {
                if (t.Effective[i] > instant) continue;
                if (current is not null && current[t.Fact![i]] != (b, i)) continue;
                if (t.Deleted is not null && t.Deleted[i]) continue;
                if (t.From is not null && !Holds(t, i, instant)) continue;
                rows.Add(i);
            }
            if (rows.Count > 0) yield return (batches[b], [.. rows]);
        }
    }

    static bool Holds(Times t, int row, long instant) =>
        t.From![row] <= instant && !(t.To![row] <= instant && t.ClosedKnownAt![row] <= instant);

    Dictionary<string, (int Batch, int Row)> CurrentVersions(long instant)
    {
        var current = new Dictionary<string, (int Batch, int Row)>(StringComparer.Ordinal);
        for (var b = 0; b < batches.Count; b++)
        {
            for (var i = 0; i < batches[b].Rows; i++)
            {
                if (times[b].Effective[i] > instant) continue;
                var fact = times[b].Fact![i];
                var order = current.TryGetValue(fact, out var best) ? times[best.Batch].Available[best.Row].CompareTo(times[b].Available[i]) : -1;
                if (order == 0) throw EqualVersions(best, (b, i));
                if (order < 0) current[fact] = (b, i);
            }
        }
        return current;
    }

    /// <summary>The first version of a fact, by available at, must not delete it, if it became available by the last instant.</summary>
    /// <exception cref="DataException">One does.</exception>
    public void RefuseUnknownDeletes(long lastInstant)
    {
        if (!source.RefusesUnknownDeletes) return;
        var first = new Dictionary<string, (int Batch, int Row)>(StringComparer.Ordinal);
        for (var b = 0; b < batches.Count; b++)
        {
            var t = times[b];
            for (var i = 0; i < batches[b].Rows; i++)
            {
                if (t.Effective[i] == long.MaxValue || t.Available[i] > lastInstant) continue;
                if (!first.TryGetValue(t.Fact![i], out var known) || t.Available[i] < times[known.Batch].Available[known.Row]) first[t.Fact[i]] = (b, i);
            }
        }
        foreach (var (b, i) in first.Values)
        {
            if (times[b].Deleted![i]) throw Kernel.KernelErrors.UnknownDelete(batches[b].Describe(i), source.FactExprs!.Select(batches[b].Evaluate), i);
        }
    }

    DataException EqualVersions((int Batch, int Row) a, (int Batch, int Row) b) => new(
        $"Two versions of one fact of '{source.Name}' became available at the same time, so that neither is the later one: {batches[a.Batch].Describe(a.Row)} and {batches[b.Batch].Describe(b.Row)}. "
        + "Expected a different available-at for each version. Mend the data, or declare an available-at that tells them apart.");

    Times Read(LocatedBatch batch)
    {
        var happened = source.EventTimeExpr is { } e ? Instants(batch.Evaluate(e), long.MaxValue) : new long[batch.Rows];
        var known = source.AvailableAtExpr is { } a ? (TimestampArray)batch.Evaluate(a) : null;
        // The opt-out says when rows are known; the order of versions stays as it is.
        var available = known is null ? happened : Instants(known, long.MinValue);
        var effective = known is null || source.IgnoresAvailability ? happened : [.. happened.Zip(Instants(known, long.MaxValue), Math.Max)];
        var validity = source.Validity;
        var from = validity is null ? null : Instants(batch.Evaluate(validity.From), long.MaxValue);
        var to = validity is null ? null : Instants(batch.Evaluate(validity.To), long.MaxValue);
        return new Times(
            effective, available,
            source.FactExprs is null ? null : Facts(batch),
            source.DeletedExpr is { } d ? Flags((BooleanArray)batch.Evaluate(d)) : null,
            from, to,
            validity is null ? null : validity.ClosedKnownAt is { } c ? Instants(batch.Evaluate(c), long.MaxValue) : to);
    }

    string[] Facts(LocatedBatch batch)
    {
        var columns = source.FactExprs!.Select(batch.Evaluate).ToArray();
        // Length-prefixed parts, so that ("a", "bc") and ("ab", "c") differ.
        return [.. Enumerable.Range(0, batch.Rows).Select(i => string.Concat(columns.Select(c => Columns.ValueAt(c, i) switch
        {
            null => "-;",
            // -0.0 equals 0.0.
            double d => FormattableString.Invariant($"{d + 0.0:R};"),
            var v => FormattableString.Invariant($"{v}") is var text ? $"{text.Length}:{text};" : "",
        })))];
    }

    static long[] Instants(IArrowArray array, long ifNull)
    {
        var times = (TimestampArray)array;
        return [.. Enumerable.Range(0, times.Length).Select(i => times.IsValid(i) ? times.Values[i] : ifNull)];
    }

    static bool[] Flags(BooleanArray array) => [.. Enumerable.Range(0, array.Length).Select(i => array.GetValue(i) == true)];
}
