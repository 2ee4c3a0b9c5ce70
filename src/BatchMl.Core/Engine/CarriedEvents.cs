namespace BatchMl.Engine;

/// <summary>
/// What one unit read of a view without look-back, kept for a later one that need then only read what became effective since: without it the last of n units would read the whole history for the n-th time. It is the source's rows,
/// reduced to the carry; the same pinned files would give them again. Safe for concurrent use.
/// </summary>
sealed class CarriedEvents
{
    readonly Lock gate = new();
    // Rows with effective_at up to ReadTo, as spine rows from then on can see them.
    (long ReadTo, EventRows Rows)? kept;

    /// <summary>Rows for a unit that begins at an instant, and up to when they are all there are; null: there is nothing to go on from.</summary>
    public (long ReadTo, EventRows Rows)? Before(long unitStart)
    {
        lock (gate) return kept is { } known && known.ReadTo <= unitStart ? known : null;
    }

    /// <summary>Keeps all events with effective_at up to an instant for units that begin then or later.</summary>
    public void Keep(ViewComputation view, EventRows events, long readTo)
    {
        lock (gate)
        {
            if (kept?.ReadTo >= readTo) return;
        }
        var reduced = events.CarryAt(view, readTo);
        lock (gate)
        {
            if (!(kept?.ReadTo >= readTo)) kept = (readTo, reduced);
        }
    }
}
