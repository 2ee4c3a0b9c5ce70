namespace BatchMl.Kernel;

/// <summary>What the kernel refuses, in words: got, expected, where, what to do.</summary>
static class KernelErrors
{
    public static DataException Tie(EventTable events, int a, int b) => events.EventTime is null && events.ValidFrom is null
        ? new($"A look-up without time has several rows of one key with different values: {Name(events, Math.Min(a, b))} and {Name(events, Math.Max(a, b))}. Expected one row per key. "
            + "Mend the data, or add to the key what tells the rows apart.")
        : new($"Two rows are equal in value order (event time, available at{(events.TieBreak.Count > 0 ? ", tie-break columns" : "")}) and have different values: {Name(events, Math.Min(a, b))} and {Name(events, Math.Max(a, b))}. "
            + "Expected an order that decides. Declare (more) tie-break columns with .TieBreak(…), or let the later row of the table count with .AllowTies().");

    public static DataException EqualVersions(EventTable events, int a, int b, long at) =>
        new($"Two versions of one fact became available at the same time ({at} microseconds since 1970), so that neither is the later one: {Name(events, Math.Min(a, b))} and {Name(events, Math.Max(a, b))}. "
            + "Expected a different available-at for each version. Mend the data, or declare an available-at that tells them apart.");

    public static DataException UnknownDelete(EventTable events, int row) => UnknownDelete(Name(events, row), events.Fact, row);

    // The row is named by its place in the source, and has another one in the columns of the fact.
    public static DataException UnknownDelete(string where, IEnumerable<Apache.Arrow.IArrowArray> fact, int row) =>
        new($"{where} deletes a fact that nobody knows: of ({string.Join(", ", fact.Select(c => Data.CsvText.ValueAt(c, row) ?? "null"))}) there is no version that became available before. "
            + "Expected an earlier version of what is deleted. Mend the data, or leave such rows out with .Where(…) on the source; "
            + "if the source holds only a part of the history, or a feed of changes that began midway, declare .AllowUnknownDeletes().");

    public static DataException Overlap(EventTable events, int first, int second) =>
        new($"Two rows of one key are valid at the same time: {Name(events, first)} holds until {Instant(events.ValidTo, first)} and {Name(events, second)} from {Instant(events.ValidFrom, second)} (microseconds since 1970). "
            + "Expected intervals [from, to) of a key that do not overlap. Mend the data, or add to the key what tells the rows apart.");

    public static DataException IntegerSum(EventTable events, Int128 sum, int row) =>
        new($"The sum of the integers in a window is {sum}, beyond 64 bits ({long.MinValue} to {long.MaxValue}), with {Name(events, row)} the last to come in. "
            + "Sum doubles instead, e.g. w.Sum(x => (double)x.Value).");

    static string Name(EventTable events, int row) => events.Describe?.Invoke(row) ?? $"row {row}";

    static string Instant(Apache.Arrow.TimestampArray? times, int row) => times?.GetValue(row) is { } at ? at.ToString(System.Globalization.CultureInfo.InvariantCulture) : "any time";
}
