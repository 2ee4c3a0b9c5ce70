using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>
/// When each row can be seen: at instants from <see cref="Enter"/> (known and, with validity, begun) to <see cref="Until"/> (superseded, deleted, or closed and known to be, right after it). Every
/// rule about facts, availability and validity ends up in these two instants, both inclusive so that no instant has to stand for "never"; all that follows is sweeping over them.
/// </summary>
sealed class RowTimes
{
    /// <summary>Whether rows have a time at all; without one they have no age.</summary>
    public required bool HasTime { get; init; }

    /// <summary>Event time by row; the earliest instant for rows without time.</summary>
    public required long[] Happened { get; init; }

    /// <summary>Available at by row, as value order and fact versions have it: the event time where none is declared, the earliest instant for a null.</summary>
    public required long[] Available { get; init; }

    /// <summary>max(event time, available at).</summary>
    public required long[] Effective { get; init; }

    /// <summary>First instant at which a row can be seen.</summary>
    public required long[] Enter { get; init; }

    /// <summary>Last instant at which it can be seen; null: no row ever leaves.</summary>
    public long[]? Until { get; init; }

    /// <summary>Rows that are never seen; null: none.</summary>
    public bool[]? Never { get; init; }

    /// <summary>Why a row leaves or is never seen; null where no row ever does.</summary>
    public RowFate[]? Ending { get; init; }

    /// <summary>Applies the rules to rows.</summary>
    /// <param name="events">The rows.</param>
    /// <param name="query">What is asked of them.</param>
    /// <param name="keys">Key code by row.</param>
    /// <param name="lastAsOf">The last instant at which they are asked for: what becomes available later can not be an error yet.</param>
    public static RowTimes Of(EventTable events, AsOfQuery query, int[] keys, long lastAsOf)
    {
        var rows = events.Rows;
        // Rows with validity and no event time happen when they begin.
        var time = events.EventTime ?? events.ValidFrom;
        var known = events.AvailableAt;
        var happened = Values(time, rows);
        var available = known is null ? happened : Values(known, rows);
        var late = known is not null && time is not null && !query.IgnoreAvailability;
        var effective = late ? Later(happened, available) : happened;
        var leaves = events.Fact.Count > 0 || events.ValidFrom is not null;
        bool[]? never = leaves || time is { NullCount: > 0 } || (late && known!.NullCount > 0) ? new bool[rows] : null;
        var ending = never is null ? null : Filled(rows);
        if (never is not null) MarkUnknown(never, ending!, time, late ? known : null);
        var times = new RowTimes
        {
            HasTime = time is not null,
            Happened = happened,
            Available = available,
            Effective = effective,
            Enter = events.ValidFrom is null ? effective : (long[])effective.Clone(),
            Until = leaves ? Forever(rows) : null,
            Never = never,
            Ending = ending,
        };
        if (events.Fact.Count > 0) FactVersions.Apply(events, times, events.Deleted is null || query.UnknownDeletesAllowed ? null : lastAsOf);
        if (events.ValidFrom is not null) ValidityIntervals.Apply(events, times, keys);
        return times;
    }

    /// <summary>From an instant on a row is no longer seen. The earliest ending counts.</summary>
    public void End(int row, long at, RowFate why)
    {
        if (Never![row]) return;
        if (at <= Enter[row])
        {
            Never[row] = true;
            Ending![row] = why;
        }
        else if (at <= Until![row])
        {
            Until[row] = at - 1;
            Ending![row] = why;
        }
    }

    /// <summary>Whether a row can be seen at an instant.</summary>
    public bool IsSeen(int row, long at) => Never?[row] != true && Enter[row] <= at && (Until is null || at <= Until[row]);

    /// <summary>Whether there is an instant at which a row takes effect.</summary>
    public bool TakesEffect(int row) => Ending?[row] != RowFate.NeverKnown;

    /// <summary>Whether a row is older than the ttl, both ends inclusive. Without a time it has no age.</summary>
    public static bool IsStale(long? ttl, bool hasTime, long happened, long at) => ttl is { } age && hasTime && happened < WindowSweep.Minus(at, age);

    static long[] Values(TimestampArray? array, int rows)
    {
        if (array is null)
        {
            var none = new long[rows];
            none.AsSpan().Fill(long.MinValue);
            return none;
        }
        var values = array.Values.ToArray();
        if (array.NullCount > 0)
        {
            for (var i = 0; i < values.Length; i++)
                if (array.IsNull(i)) values[i] = long.MinValue;
        }
        return values;
    }

    static long[] Later(long[] a, long[] b)
    {
        var later = new long[a.Length];
        for (var i = 0; i < later.Length; i++) later[i] = Math.Max(a[i], b[i]);
        return later;
    }

    static long[] Forever(int rows)
    {
        var until = new long[rows];
        until.AsSpan().Fill(long.MaxValue);
        return until;
    }

    static RowFate[] Filled(int rows)
    {
        var endings = new RowFate[rows];
        endings.AsSpan().Fill(RowFate.Late);
        return endings;
    }

    static void MarkUnknown(bool[] never, RowFate[] ending, TimestampArray? time, TimestampArray? known)
    {
        var (noTime, noKnown) = (time is { NullCount: > 0 }, known is { NullCount: > 0 });
        if (!noTime && !noKnown) return;
        for (var i = 0; i < never.Length; i++)
        {
            if ((noTime && time!.IsNull(i)) || (noKnown && known!.IsNull(i))) (never[i], ending[i]) = (true, RowFate.NeverKnown);
        }
    }
}
