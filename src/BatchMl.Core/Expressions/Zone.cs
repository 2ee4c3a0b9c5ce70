namespace BatchMl.Expressions;

/// <summary>
/// A time zone with what is needed for columns of instants: an offset look-up that remembers, by spans of four hours whose ends have one offset (no zone changes
/// its clock there and back within that). Thread-safe.
/// </summary>
sealed class Zone
{
    const long SpanMicroseconds = 14_400_000_000;
    const int Slots = 8192;

    static readonly System.Collections.Concurrent.ConcurrentDictionary<string, Zone> zones = new(StringComparer.Ordinal);

    readonly TimeZoneInfo info;

    // Span since 1970 in the upper half, offset in seconds in the lower: read and written as one word, so never torn.
    readonly long[] slots = new long[Slots];

    Zone(string id)
    {
        info = TimeZoneInfo.FindSystemTimeZoneById(id);
        System.Array.Fill(slots, (long)int.MinValue << 32);
    }

    /// <exception cref="DefinitionException">No such zone.</exception>
    internal static Zone Of(string id)
    {
        try
        {
            return zones.GetOrAdd(id, static id => new Zone(id));
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException or ArgumentException)
        {
            throw new DefinitionException($"'{id}' is not a time zone of this system's database; expected an IANA name such as Europe/Berlin or UTC.");
        }
    }

    /// <summary>Local time minus UTC in microseconds. The instant must be in the years 1 to 9999.</summary>
    internal long Offset(long microseconds)
    {
        var span = Clock.FloorDivide(microseconds, SpanMicroseconds);
        ref var slot = ref slots[span & (Slots - 1)];
        var seen = Volatile.Read(ref slot);
        if (seen >> 32 == span) return (int)seen * 1_000_000L;
        var offset = Exact(microseconds);
        if (Exact(span * SpanMicroseconds) == offset && Exact((span + 1) * SpanMicroseconds - 1) == offset)
            Volatile.Write(ref slot, span << 32 | (uint)(int)(offset / 1_000_000));
        return offset;
    }

    long Exact(long microseconds) => info.GetUtcOffset(Clock.ToDateTime(microseconds)).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>
    /// The first instant whose local time is at or after <paramref name="local"/> (microseconds of the wall clock): the first of two where the clock is set
    /// back, the end of the gap where it is set forward. False within two days of the ends of the years 1 to 9999.
    /// </summary>
    internal bool TryInstant(long local, out long instant)
    {
        instant = 0;
        if (!Clock.IsDateTime(local - 2 * Clock.DayMicroseconds) || !Clock.IsDateTime(local + 2 * Clock.DayMicroseconds)) return false;
        var (low, high) = (local - Clock.DayMicroseconds, local + Clock.DayMicroseconds);
        var (before, after) = (Offset(low), Offset(high));
        if (Offset(local - Math.Max(before, after)) is var first && first == Math.Max(before, after)) instant = local - first;
        else if (Offset(local - Math.Min(before, after)) == Math.Min(before, after)) instant = local - Math.Min(before, after);
        else
        {
            // In a gap: the change lies between the two readings of the local time.
            (low, high) = (local - Math.Max(before, after), local - Math.Min(before, after));
            while (low < high)
            {
                var middle = low + (high - low) / 2;
                if (middle + Offset(middle) >= local) high = middle;
                else low = middle + 1;
            }
            instant = low;
        }
        return true;
    }
}
