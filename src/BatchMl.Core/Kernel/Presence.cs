using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// When each row can be seen: from <see cref="Enter"/> (known and, with validity, begun) until before <see cref="Leave"/> (superseded, deleted, or closed and known to be). Every rule about facts,
/// availability and validity ends up in these two instants; all that follows is sweeping over them.
/// </summary>
sealed class Presence
{
    public const long Never = long.MaxValue;

    /// <summary>Event time by row; <see cref="long.MinValue"/> for rows without time.</summary>
    public required long[] EventTime { get; init; }

    /// <summary>Available at by row; the event time where there is none.</summary>
    public required long[] AvailableAt { get; init; }

    /// <summary>max(event time, available at); <see cref="Never"/>: never known.</summary>
    public required long[] Effective { get; init; }

    /// <summary>First instant at which a row can be seen.</summary>
    public required long[] Enter { get; init; }

    /// <summary>First instant at which it can no longer be seen; <see cref="Never"/>: stays.</summary>
    public required long[] Leave { get; init; }

    /// <summary>Why it leaves, or why it never enters.</summary>
    public required RowFate[] Ending { get; init; }

    /// <summary>Whether some row leaves, so that a running maximum is not enough.</summary>
    public required bool Retracts { get; init; }

    public static Presence Of(EventTable events, AsOfQuery query, int[] keys)
    {
        var rows = events.Rows;
        var happened = new long[rows];
        var available = new long[rows];
        var effective = new long[rows];
        var hasTime = events.EventTime is not null;
        if (!hasTime)
        {
            happened.AsSpan().Fill(long.MinValue);
            available.AsSpan().Fill(long.MinValue);
            effective.AsSpan().Fill(long.MinValue);
        }
        else
        {
            FillTimes(events, query, happened, available, effective);
        }
        var leave = new long[rows];
        leave.AsSpan().Fill(Never);
        var presence = new Presence
        {
            EventTime = happened,
            AvailableAt = available,
            Effective = effective,
            Enter = (long[])effective.Clone(),
            Leave = leave,
            Ending = new RowFate[rows],
            Retracts = events.Fact.Count > 0 || events.ValidFrom is not null,
        };
        if (events.Fact.Count > 0) FactVersions.Apply(events, presence);
        if (events.ValidFrom is not null) ValidityIntervals.Apply(events, presence, keys);
        return presence;
    }

    static void FillTimes(EventTable events, AsOfQuery query, long[] happened, long[] available, long[] effective)
    {
        var times = events.EventTime!;
        var known = events.AvailableAt;
        var eventValues = times.Values;
        var knownValues = known is null ? eventValues : known.Values;
        var hasNulls = times.NullCount > 0 || known is { NullCount: > 0 };
        for (var i = 0; i < happened.Length; i++)
        {
            var neverKnown = hasNulls && known is not null && known.IsNull(i);
            if (hasNulls && (times.IsNull(i) || (neverKnown && !query.IgnoreAvailability)))
            {
                (happened[i], available[i], effective[i]) = (times.IsNull(i) ? long.MinValue : eventValues[i], Never, Never);
                continue;
            }
            happened[i] = eventValues[i];
            // The opt-out changes what is known, not the order of values or of versions; there a null comes first.
            available[i] = neverKnown ? long.MinValue : knownValues[i];
            effective[i] = query.IgnoreAvailability ? eventValues[i] : Math.Max(eventValues[i], knownValues[i]);
        }
    }
}
