namespace BatchMl.Kernel;

/// <summary>
/// One window over one key after the other. A row is in the window of T iff it is seen at T and its time lies in the window: four instants per row, each crossed once as T goes up, so that rows
/// with any lag, windows that end earlier and rows that would expire before they arrive are all one sweep. The orders it goes by are the frame's, shared by all windows of the view.
/// </summary>
sealed class WindowSweep(WindowSpec window)
{
    public WindowMoves Moves { get; } = new();

    /// <param name="frame">The key's events.</param>
    /// <param name="asOf">Times of its spine rows, ascending.</param>
    public void Sweep(KeyFrame frame, ReadOnlySpan<long> asOf)
    {
        Moves.Reset(frame.Count, asOf.Length);
        var byEffective = window.Axis == WindowAxis.EffectiveAt;
        var order = byEffective ? frame.ByEffective : frame.ByHappened;
        var at = byEffective ? frame.Effective : frame.Happened;
        ReadOnlySpan<long> until = frame.Leaves ? frame.Until : default;
        var leaving = frame.Leaves ? frame.ByUntil : null;
        // With both ends at T a row's time is reached when it is seen; otherwise it may have to be waited for.
        var waits = window.EndsBefore > 0 || window.Convention == WindowConvention.ClosedOpen;
        var enter = frame.Enter;
        var times = order.Times;
        var positions = order.Positions;
        var (added, removed) = (Moves.Added, Moves.Removed);
        int entered = 0, expired = 0, left = 0, started = 0, adds = 0, removes = 0;
        long before = 0, lowBefore = 0, highBefore = 0;
        var inOrder = true;
        var first = 0;
        for (; first < asOf.Length && IsEmpty(asOf[first]); first++) Moves.AddedUpTo[first] = Moves.RemovedUpTo[first] = 0;
        for (var s = first; s < asOf.Length; s++)
        {
            var t = asOf[s];
            var (low, high) = Bounds(t);
            for (; expired < times.Length && times[expired] < low; expired++)
            {
                var p = positions[expired];
                if (s > first && WasIn(p, at, enter, until, before, lowBefore, highBefore)) Remove(p);
            }
            if (leaving is not null)
            {
                for (; left < leaving.Count && leaving.Times[left] < t; left++)
                {
                    var p = leaving.Positions[left];
                    if (s > first && at[p] >= low && WasIn(p, at, enter, until, before, lowBefore, highBefore)) Remove(p);
                }
            }
            for (; entered < enter.Length && enter[entered] <= t; entered++)
            {
                if (at[entered] >= low && at[entered] <= high && (until.IsEmpty || until[entered] >= t)) added[adds++] = entered;
            }
            if (waits)
            {
                for (; started < times.Length && times[started] <= high; started++)
                {
                    // What was not yet seen at the last spine row has been taken in by the loop above.
                    var p = positions[started];
                    if (s > first && enter[p] <= before && times[started] > highBefore && times[started] >= low && (until.IsEmpty || until[p] >= t)) added[adds++] = p;
                }
            }
            Moves.AddedUpTo[s] = adds;
            Moves.RemovedUpTo[s] = removes;
            (before, lowBefore, highBefore) = (t, low, high);
        }
        Moves.FirstInFirstOut = inOrder;

        void Remove(int position)
        {
            inOrder &= added[removes] == position;
            removed[removes++] = position;
        }
    }

    static bool WasIn(int p, ReadOnlySpan<long> at, ReadOnlySpan<long> enter, ReadOnlySpan<long> until, long before, long low, long high) =>
        enter[p] <= before && at[p] >= low && at[p] <= high && (until.IsEmpty || until[p] >= before);

    // The one window that is no interval with both ends in it: [T-W, T) where T is, or saturates to, the earliest instant. As T goes up it comes before all others.
    bool IsEmpty(long t) => window.Convention == WindowConvention.ClosedOpen && Minus(t, window.EndsBefore) == long.MinValue;

    /// <summary>The window of T, unless empty, as an interval with both ends in it.</summary>
    (long Low, long High) Bounds(long t)
    {
        var high = Minus(t, window.EndsBefore);
        var low = Minus(high, window.Length);
        return window.Convention switch
        {
            WindowConvention.OpenClosed => (low + 1, high),
            WindowConvention.ClosedOpen => (low, high - 1),
            _ => (low, high),
        };
    }

    /// <summary>An instant less a duration; saturates.</summary>
    internal static long Minus(long instant, long duration)
    {
        var result = unchecked(instant - duration);
        // Overflow iff the operands differ in sign and the result's is not the instant's.
        return ((instant ^ duration) & (instant ^ result)) >= 0 ? result : instant < 0 ? long.MinValue : long.MaxValue;
    }

    /// <summary>Whether a time lies in the window of T.</summary>
    internal bool Contains(long time, long t)
    {
        if (IsEmpty(t)) return false;
        var (low, high) = Bounds(t);
        return time >= low && time <= high;
    }

    /// <summary>Whether a time lies before the window of T.</summary>
    internal bool IsBefore(long time, long t) => !IsEmpty(t) && time < Bounds(t).Low;
}
