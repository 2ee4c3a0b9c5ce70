using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about which facts lie in a window.</summary>
static class WindowMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("closes the default window at both ends", "the default window is open at its start and closed at its end", (e, s, q) => As(e, s, q, w => w.Convention == WindowConvention.OpenClosed ? w with { Convention = WindowConvention.Closed } : w)),
        new("takes [T-W,T) for the default", "the default window is open at its start and closed at its end", (e, s, q) => As(e, s, q, w => w.Convention == WindowConvention.OpenClosed ? w with { Convention = WindowConvention.ClosedOpen } : w)),
        new("takes the default for [T-W,T)", "[T-W,T) takes its start and leaves its end", (e, s, q) => As(e, s, q, w => w.Convention == WindowConvention.ClosedOpen ? w with { Convention = WindowConvention.OpenClosed } : w)),
        new("takes the default for [T-W,T]", "[T-W,T] takes both ends", (e, s, q) => As(e, s, q, w => w with { Convention = w.Convention == WindowConvention.Closed ? WindowConvention.OpenClosed : w.Convention })),
        new("ends every window at as_of", "a window that ends before as_of moves both ends", (e, s, q) => As(e, s, q, w => w with { EndsBefore = 0 })),
        new("keeps the start of a window that ends before as_of", "a window that ends before as_of moves both ends", (e, s, q) => new KeepsStart(e, s, q).Run()),
        new("decides what is known at the window's end", "in a window that ends before as_of, what is known is decided at as_of", (e, s, q) => new KnownAtWindowEnd(e, s, q).Run()),
        new("puts every window on the event time", "a window on the effective_at axis holds what became known in it", (e, s, q) => As(e, s, q, w => w with { Axis = WindowAxis.EventTime })),
        new("puts every window on effective_at", "a row that would expire before it arrives never enters", (e, s, q) => As(e, s, q, w => w with { Axis = WindowAxis.EffectiveAt })),
        new("expires rows by arrival", "lags that differ per row: rows arrive and expire in different orders", (e, s, q) => As(e, s, q, w => w with { Axis = WindowAxis.EffectiveAt })),
        new("wraps T-W", "the start of a window saturates instead of wrapping", (e, s, q) => new Wraps(e, s, q).Run()),
        new("has local days of 23 and 25 hours", "a day of windows is 24 hours whatever the clocks do", (e, s, q) => new LocalDays(e, s, q).Run()),
    ];

    static IReadOnlyList<Apache.Arrow.IArrowArray> As(EventTable events, SpineTable spine, AsOfQuery query, Func<WindowSpec, WindowSpec> window) =>
        NestedLoopOracle.Compute(events, spine, query with { Windows = [.. query.Windows.Select(w => w with { Window = window(w.Window) })] });

    sealed class KeepsStart(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool InWindow(EventRow fact, WindowSpec window, long asOf) => base.InWindow(fact, window with { Length = window.Length - window.EndsBefore }, asOf);
    }

    sealed class KnownAtWindowEnd(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool InWindow(EventRow fact, WindowSpec window, long asOf) => base.InWindow(fact, window, asOf) && IsKnown(fact, Minus(asOf, window.EndsBefore));
    }

    sealed class Wraps(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override long Minus(long instant, long duration) => unchecked(instant - duration);
    }

    // New York springs forward on 2013-03-10 at 07:00 UTC: that local day has 23 hours.
    sealed class LocalDays(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        static readonly long change = new DateTimeOffset(2013, 3, 10, 7, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;

        protected override long Minus(long instant, long duration)
        {
            var start = base.Minus(instant, duration);
            return start < change && change <= instant ? start + 3_600_000_000 : start;
        }
    }
}
