using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Conformance;

public sealed class LawTests
{
    const int CasesPerSeed = 1500;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 10)];

    [Theory, MemberData(nameof(Seeds))]
    public void The_kernel_equals_the_oracle_on_random_data(int seed) => Hold(seed, (input, _) => Laws.Oracle(AsOfKernel.Compute, input));

    [Theory, MemberData(nameof(Seeds))]
    public void Rows_out_are_rows_in_and_each_has_its_own_result(int seed) =>
        Hold(seed, (input, random) => Laws.Rows(AsOfKernel.Compute, input) ?? Laws.SpineRows(AsOfKernel.Compute, input, random));

    [Theory, MemberData(nameof(Seeds))]
    public void The_order_of_event_rows_does_not_matter(int seed) => Hold(seed, (input, random) => Laws.EventOrder(AsOfKernel.Compute, input, random));

    [Theory, MemberData(nameof(Seeds))]
    public void Nothing_that_takes_effect_after_T_changes_the_row_of_T(int seed) =>
        Hold(seed, (input, random) => Laws.Leak(AsOfKernel.Compute, input with { Query = input.Query with { IgnoreAvailability = false } }, random));

    [Fact]
    public void A_window_that_ignores_availability_breaks_the_leak_law()
    {
        var leaks = Enumerable.Range(0, CasesPerSeed).Count(i => Laws.Leak(
            (events, spine, query) => AsOfKernel.Compute(events, spine, query with { Latest = [], IgnoreAvailability = true }), Case(1, i), new Random(i)) is not null);
        Assert.True(leaks > CasesPerSeed / 100, $"Only {leaks} of {CasesPerSeed} cases showed the leak.");
    }

    [Fact]
    public void Random_cases_are_mostly_accepted_and_every_feature_occurs()
    {
        var cases = Enumerable.Range(0, CasesPerSeed).Select(i => Case(1, i)).ToList();
        Assert.InRange(cases.Count(c => c.Outcome(NestedLoopOracle.Compute) is not null), CasesPerSeed / 2, CasesPerSeed - 20);
        AssertMet(cases);
    }

    [Fact]
    public void Random_cases_delete_what_is_known_and_what_is_not_where_that_is_allowed_and_where_not()
    {
        var met = new Dictionary<string, int>();
        foreach (var input in Enumerable.Range(0, CasesPerSeed).Select(i => Case(1, i)).Where(c => EventRow.Of(c.Events).Any(r => r.Deleted)))
        {
            bool Accepted(bool allowed) => (input with { Query = input.Query with { UnknownDeletesAllowed = allowed } }).Outcome(NestedLoopOracle.Compute) is not null;
            if (!Accepted(allowed: true)) continue;
            var kind = $"{(Accepted(allowed: false) ? "known" : "unknown")}, {(input.Query.UnknownDeletesAllowed ? "allowed" : "refused")}";
            met[kind] = met.GetValueOrDefault(kind) + 1;
        }
        Assert.Equal(4, met.Count);
        Assert.All(met, m => Assert.True(m.Value >= 15, $"{m.Key} came up too rarely: {m.Value}"));
    }

    [Fact]
    public void The_kernel_equals_the_oracle_on_more_rows_than_a_person_can_follow()
    {
        var cases = Enumerable.Range(0, 250).Select(i => new RandomCases(77_000_000 + i, rows: 400).Next()).ToList();
        foreach (var (input, number) in cases.Select((c, i) => (c, i))) Assert.True(Laws.Oracle(AsOfKernel.Compute, input) is null, $"Case {number}: {Laws.Oracle(AsOfKernel.Compute, input)}");
        AssertMet(cases);
    }

    // Every aggregate with what makes its life hard, in cases that are answered: rows that become known in another order than they happened, versions, deletions, validity.
    static void AssertMet(List<AsOfCase> cases)
    {
        (string, Func<EventTable, bool>)[] shapes =
        [
            ("lags per row", e => e.AvailableAt is not null), ("versions", e => e.Fact.Count > 0), ("deletions", e => e.Deleted is not null), ("validity", e => e.ValidFrom is not null), ("closing", e => e.ClosedKnownAt is not null),
        ];
        foreach (var kind in Enum.GetValues<AggregateKind>())
        {
            foreach (var (shape, has) in shapes)
                Assert.True(cases.Any(c => has(c.Events) && c.Query.Windows.Any(w => w.Aggregates.Any(a => a.Kind == kind)) && c.Outcome(NestedLoopOracle.Compute) is not null), $"{kind} with {shape}");
        }
    }

    // A case has its own seed, so that a failure is found again without those before it.
    static AsOfCase Case(int seed, int number) => new RandomCases(seed * 1_000_000 + number).Next();

    static void Hold(int seed, Func<AsOfCase, Random, string?> law)
    {
        for (var number = 0; number < CasesPerSeed; number++)
        {
            var input = Case(seed, number);
            var same = number;
            if (law(input, new Random(same)) is null)
                continue;
            var smallest = input.Shrink(smaller => law(smaller, new Random(same)) is not null);
            Assert.Fail($"Seed {seed}, case {number}: {law(smallest, new Random(same))}\n{smallest}");
        }
    }
}
