using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.TestSupport.Conformance;

/// <summary>What must hold whatever the data. Each gives what is wrong in words; null where the law holds, also where the data is refused.</summary>
public static class Laws
{
    /// <summary>An engine gives, or refuses, what the oracle gives or refuses.</summary>
    public static string? Oracle(AsOfCompute compute, AsOfCase input) => (input.Outcome(NestedLoopOracle.Compute), input.Outcome(compute)) switch
    {
        (null, null) => null,
        (null, _) => "the oracle refuses the data, the engine does not",
        (_, null) => "the engine refuses the data, the oracle does not",
        var (expected, actual) => Judge.Difference(expected, actual),
    };

    /// <summary>Row law: as many rows as the spine has.</summary>
    public static string? Rows(AsOfCompute compute, AsOfCase input) =>
        input.Outcome(compute)?.Any(c => c.Length != input.Spine.AsOf.Length) == true ? "the result has not as many rows as the spine" : null;

    /// <summary>Each spine row's result is its own: any choice of spine rows, in any order, repeated or left out, gives the same for each.</summary>
    public static string? SpineRows(AsOfCompute compute, AsOfCase input, Random random)
    {
        if (input.Spine.AsOf.Length == 0 || input.Outcome(compute) is not { } whole)
            return null;
        int[] chosen = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(input.Spine.AsOf.Length))];
        return Compare([.. whole.Select(c => AsOfCase.Pick(c, chosen))], input.WithSpine(chosen).Outcome(compute));
    }

    /// <summary>The order of event rows does not matter (where ties are allowed, it does by definition).</summary>
    public static string? EventOrder(AsOfCompute compute, AsOfCase input, Random random)
    {
        if (input.Query.TiesAllowed || input.Outcome(compute) is not { } given)
            return null;
        EventRow[] rows = [.. EventRow.Of(input.Events)];
        random.Shuffle(rows);
        return Compare(given, input.With(rows).Outcome(compute));
    }

    /// <summary>
    /// Leak law: what takes effect after T changes nothing at T. All such rows are removed, doubled with other values, or moved further into the future; closings that become known after T are
    /// forgotten or moved. Refused data is passed over: rows of the future may contradict each other.
    /// </summary>
    public static string? Leak(AsOfCompute compute, AsOfCase input, Random random)
    {
        if (input.Spine.AsOf.Length == 0 || input.Events.EventTime is null)
            return null;
        var t = input.Spine.AsOf.GetValue(random.Next(input.Spine.AsOf.Length))!.Value;
        int[] past = [.. Enumerable.Range(0, input.Spine.AsOf.Length).Where(i => input.Spine.AsOf.GetValue(i) <= t)];
        var seen = input.WithSpine(past);
        if (seen.Outcome(compute) is not { } before)
            return null;
        var kind = random.Next(3);
        var rows = EventRow.Of(input.Events).SelectMany(r => Future(r) ? Changed(r, kind) : [ClosedLater(r)]);
        return seen.With(rows).Outcome(compute) is { } after && Judge.Difference(before, after) is { } leak ? $"as of {t}, {leak} after rows of the future changed" : null;

        // The law is about what the data says, so it is measured here even if a query opts out of availability.
        bool Future(EventRow row) => row.EventTime is null || row.EventTime > t || (input.Events.AvailableAt is not null && (row.AvailableAt is null || row.AvailableAt > t));

        EventRow ClosedLater(EventRow row) =>
            input.Events.ClosedKnownAt is not null && row.ClosedKnownAt > t ? row with { ClosedKnownAt = kind == 0 ? null : row.ClosedKnownAt + 1 } : row;

        IEnumerable<EventRow> Changed(EventRow row, int change) => change switch
        {
            0 => [],
            1 => [row, row with { AvailableAt = row.AvailableAt + 1, EventTime = input.Events.AvailableAt is null ? row.EventTime + 1 : row.EventTime, Values = [.. row.Values.Select((_, i) => Another(row, i))] }],
            _ => [row with { AvailableAt = row.AvailableAt + 1000, EventTime = row.EventTime + 1000, Deleted = !row.Deleted, Values = [.. row.Values.Select((_, i) => Another(row, i))] }],
        };

        object? Another(EventRow row, int column) => Cells.TypeOf(input.Events.Values[column]) switch
        {
            ColumnType.Double => 12345.5,
            ColumnType.Int64 => 12345L,
            ColumnType.Boolean => row.Values[column] is not true,
            ColumnType.String => "from the future",
            ColumnType.Timestamp => 12345L,
            _ => 12345,
        };
    }

    static string? Compare(IReadOnlyList<IArrowArray> expected, IReadOnlyList<IArrowArray>? actual) =>
        actual is null ? "the data is refused when it is given differently" : Judge.Difference(expected, actual);
}
