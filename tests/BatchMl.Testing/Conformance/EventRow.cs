using BatchMl.Kernel;

namespace BatchMl.Testing.Conformance;

/// <summary>One row of an event table as plain values.</summary>
public sealed class EventRow(EventTable table, int ordinal)
{
    /// <summary>Its position in the table.</summary>
    public int Ordinal { get; } = ordinal;

    /// <summary>Key components.</summary>
    public object?[] Key { get; } = [.. table.Keys.Select(c => Cells.At(c, ordinal))];

    /// <summary>Event time in microseconds.</summary>
    public long? EventTime { get; } = table.EventTime is null ? table.ValidFrom?.GetValue(ordinal) : table.EventTime.GetValue(ordinal);

    /// <summary>Available at, in microseconds; null also where none is declared.</summary>
    public long? AvailableAt { get; } = table.AvailableAt?.GetValue(ordinal);

    /// <summary>Tie-break columns.</summary>
    public object?[] TieBreak { get; } = [.. table.TieBreak.Select(c => Cells.At(c, ordinal))];

    /// <summary>Fact columns.</summary>
    public object?[] Fact { get; } = [.. table.Fact.Select(c => Cells.At(c, ordinal))];

    /// <summary>Whether this version deletes its fact.</summary>
    public bool Deleted { get; } = table.Deleted?.GetValue(ordinal) ?? false;

    /// <summary>Validity's start.</summary>
    public long? ValidFrom { get; } = table.ValidFrom?.GetValue(ordinal);

    /// <summary>Validity's end.</summary>
    public long? ValidTo { get; } = table.ValidTo?.GetValue(ordinal);

    /// <summary>When the end became known.</summary>
    public long? ClosedKnownAt { get; } = table.ClosedKnownAt?.GetValue(ordinal);

    /// <summary>The values.</summary>
    public object?[] Values { get; } = [.. table.Values.Select(c => Cells.At(c, ordinal))];
}
