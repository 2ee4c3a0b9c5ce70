using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>What the kernel says of rows by their ordinals, with the rows' own instants, values and places.</summary>
sealed class ExplainedRows(ViewComputation view, IReadOnlyList<string> features, EventRows events, EventTable table, long asOf)
{
    // What text and JSON can hold; a source may have instants before and after.
    static readonly long earliest = DateTimeOffset.MinValue.ToUnixMicroseconds(), latest = DateTimeOffset.MaxValue.ToUnixMicroseconds();

    public ExplainedEvent Event(ExplainedRow row)
    {
        var (happened, effective) = Times(row.Row);
        var seen = row.LatestFates.Count + row.WindowFates.Count > 0;
        return new ExplainedEvent(events.Describe(row.Row), happened, effective, row.Fate, Values(row.Row))
        {
            Deletes = Deletes(row.Row),
            Validity = table.ValidFrom is null ? null : Validity(row.Row),
            NotIn = seen ? [.. features.Select((f, i) => new ExplainedAbsence(f, view.FateIn(i, row))).Where(a => a.Fate != RowFate.Counted)] : [],
            Other = row.Other is { } other ? Other(other, row.Row) : null,
        };
    }

    ExplainedOther Other(int other, int row)
    {
        var (happened, effective) = Times(other);
        return new ExplainedOther(events.Describe(other), happened, effective, Deletes(other), Values(other), EventKeys.Of(table.Keys, other) == EventKeys.Of(table.Keys, row) ? null : Key(other));
    }

    string Key(int row) => string.Join(", ", table.Keys.Select(k => Explainer.TextAt(k, row) ?? "null"));

    bool Deletes(int row) => table.Deleted?.GetValue(row) == true;

    (DateTimeOffset? Happened, DateTimeOffset? Effective) Times(int row) => (TimeAt(table.EventTime, row), Time(Effective(row)));

    long? Effective(int row)
    {
        var happened = table.EventTime?.GetValue(row);
        var known = view.Bound.Source.IgnoresAvailability || table.AvailableAt is null ? happened : table.AvailableAt.GetValue(row);
        return happened is { } h && known is { } k ? Math.Max(h, k) : null;
    }

    ExplainedValidity Validity(int row)
    {
        var to = table.ValidTo?.GetValue(row);
        // An end that is not said to become known later is known with the row.
        var known = table.ClosedKnownAt is { } closed ? closed.GetValue(row) : to is null ? null : Effective(row);
        return new ExplainedValidity(TimeAt(table.ValidFrom, row), Time(to), Time(known), to <= asOf && !(known <= asOf));
    }

    IReadOnlyList<ExplainedValue> Values(int row) => [.. view.Events.ValueExprs.Select((e, i) => new ExplainedValue(e.ToString(), Explainer.TextAt(table.Values[i], row)))];

    static DateTimeOffset? TimeAt(TimestampArray? times, int row) => Time(times?.GetValue(row));

    static DateTimeOffset? Time(long? microseconds) => microseconds is { } m ? Time(m) : null;

    public static DateTimeOffset Time(long microseconds) => ArrowColumns.FromUnixMicroseconds(Math.Clamp(microseconds, earliest, latest));
}
