using BatchMl.Engine;
using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Core.Tests.Engine;

public sealed class CarryTests
{
    [Fact]
    public void Rows_at_or_after_the_units_start_see_the_same_latest_values_in_the_carry()
    {
        var (judged, dropped) = (0, 0);
        var cases = new RandomCases(20240501);
        while (judged < 1500)
        {
            var next = cases.Next();
            if (next.Events.EventTime is null || next.Events.Fact.Count > 0 || next.Events.ValidFrom is not null || next.Query.Latest.Count == 0 || next.Spine.AsOf.Length == 0) continue;
            var latest = next with { Query = next.Query with { Windows = [], Ttl = null } };
            judged++;
            // A start at each spine row's instant; the rows from there on are the unit.
            foreach (var start in next.Spine.AsOf.Values.ToArray().Distinct())
            {
                var unit = latest.WithSpine([.. Enumerable.Range(0, latest.Spine.AsOf.Length).Where(i => latest.Spine.AsOf.GetValue(i) >= start)]);
                var keep = Carry.Keep(unit.Events, unit.Query, start);
                var carried = unit.With(EventRow.Of(unit.Events).Where(r => keep[r.Ordinal]));
                dropped += keep.Count(k => !k);
                var (expected, actual) = (unit.Outcome(AsOfKernel.Compute), carried.Outcome(AsOfKernel.Compute));
                Assert.True((expected is null) == (actual is null), $"refused: {expected is null}, from the carry: {actual is null}; start {start}\n{unit}");
                if (expected is not null) Assert.True(Judge.Difference(expected, actual!) is null, $"{Judge.Difference(expected, actual!)}; start {start}\n{unit}");
            }
        }
        Assert.True(dropped > 1500, $"only {dropped} rows were ever left out");
    }
}
