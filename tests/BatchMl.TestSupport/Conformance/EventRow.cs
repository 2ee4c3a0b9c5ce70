using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>One row of an event table as plain values.</summary>
public sealed record EventRow
{
    /// <summary>Its position in the table.</summary>
    public int Ordinal { get; init; }

    /// <summary>Key components.</summary>
    public object?[] Key { get; init; } = [];

    /// <summary>Event time in microseconds.</summary>
    public long? EventTime { get; init; }

    /// <summary>Available at, in microseconds; null also where none is declared.</summary>
    public long? AvailableAt { get; init; }

    /// <summary>Tie-break columns.</summary>
    public object?[] TieBreak { get; init; } = [];

    /// <summary>Fact columns.</summary>
    public object?[] Fact { get; init; } = [];

    /// <summary>Whether this version deletes its fact.</summary>
    public bool Deleted { get; init; }

    /// <summary>Validity's start.</summary>
    public long? ValidFrom { get; init; }

    /// <summary>Validity's end.</summary>
    public long? ValidTo { get; init; }

    /// <summary>When the end became known.</summary>
    public long? ClosedKnownAt { get; init; }

    /// <summary>The values.</summary>
    public object?[] Values { get; init; } = [];

    /// <summary>The rows of a table.</summary>
    public static IReadOnlyList<EventRow> Of(EventTable table) => [.. Enumerable.Range(0, table.Rows).Select(i => new EventRow
    {
        Ordinal = i,
        Key = [.. table.Keys.Select(c => Cells.At(c, i))],
        EventTime = table.EventTime?.GetValue(i),
        AvailableAt = table.AvailableAt?.GetValue(i),
        TieBreak = [.. table.TieBreak.Select(c => Cells.At(c, i))],
        Fact = [.. table.Fact.Select(c => Cells.At(c, i))],
        Deleted = table.Deleted?.GetValue(i) ?? false,
        ValidFrom = table.ValidFrom?.GetValue(i),
        ValidTo = table.ValidTo?.GetValue(i),
        ClosedKnownAt = table.ClosedKnownAt?.GetValue(i),
        Values = [.. table.Values.Select(c => Cells.At(c, i))],
    })];

    /// <summary>A table of rows that declares what another one declares.</summary>
    public static EventTable Table(IReadOnlyList<EventRow> rows, EventTable like)
    {
        return new EventTable
        {
            Rows = rows.Count,
            Keys = Columns(like.Keys, r => r.Key),
            EventTime = Times(like.EventTime, r => r.EventTime),
            AvailableAt = Times(like.AvailableAt, r => r.AvailableAt),
            TieBreak = Columns(like.TieBreak, r => r.TieBreak),
            Fact = Columns(like.Fact, r => r.Fact),
            Deleted = like.Deleted is null ? null : (BooleanArray)Cells.Build(ColumnType.Boolean, [.. rows.Select(r => (object?)r.Deleted)]),
            ValidFrom = Times(like.ValidFrom, r => r.ValidFrom),
            ValidTo = Times(like.ValidTo, r => r.ValidTo),
            ClosedKnownAt = Times(like.ClosedKnownAt, r => r.ClosedKnownAt),
            Values = Columns(like.Values, r => r.Values),
        };

        IReadOnlyList<IArrowArray> Columns(IReadOnlyList<IArrowArray> columns, Func<EventRow, object?[]> cells) =>
            [.. columns.Select((c, i) => Cells.Build(Cells.TypeOf(c), [.. rows.Select(r => cells(r)[i])]))];

        TimestampArray? Times(TimestampArray? column, Func<EventRow, long?> time) => column is null ? null : Cells.Timestamps([.. rows.Select(r => (object?)time(r))]);
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{Ordinal}: key ({Text(Key)}) at {EventTime} known {AvailableAt} tie ({Text(TieBreak)}) fact ({Text(Fact)}){(Deleted ? " deleted" : "")} valid [{ValidFrom}, {ValidTo}) closed {ClosedKnownAt} values ({Text(Values)})");

    static string Text(object?[] cells) => string.Join(", ", cells.Select(c => FormattableString.Invariant($"{c ?? "null"}")));
}
