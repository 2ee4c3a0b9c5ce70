using BatchMl.TestSupport.Conformance;
using BatchMl.TestSupport.Conformance.Mutation;

namespace BatchMl.Tests.Conformance;

public sealed class MutantTests
{
    public static TheoryData<string> Names => [.. Mutant.All.Select(m => m.Name)];

    [Theory, MemberData(nameof(Names))]
    public void A_broken_kernel_fails_the_vector_that_is_meant_for_it(string name)
    {
        var mutant = Mutant.All.Single(m => m.Name == name);
        Assert.True(Judge.Check(ConformanceVector.Named(mutant.CaughtBy), mutant.Compute) is not null, $"'{mutant.CaughtBy}' does not notice a kernel that {name}.");
    }
}
