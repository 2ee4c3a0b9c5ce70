using BatchMl.Kernel;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Tests.Conformance;

public sealed class VectorTests
{
    public static TheoryData<string> Names => [.. ConformanceVector.All.Select(v => v.Name)];

    [Theory, MemberData(nameof(Names))]
    public void The_kernel_gives_what_a_vector_expects(string name) => Check(name, AsOfKernel.Compute);

    [Theory, MemberData(nameof(Names))]
    public void The_oracle_gives_what_a_vector_expects(string name) => Check(name, NestedLoopOracle.Compute);

    [Fact]
    public void Names_of_vectors_are_unique() => Assert.Equal(ConformanceVector.All.Count, ConformanceVector.All.DistinctBy(v => v.Name).Count());

    static void Check(string name, AsOfCompute compute)
    {
        var vector = ConformanceVector.Named(name);
        if (Judge.Check(vector, compute) is { } wrong)
            Assert.Fail($"{vector.Holds}: {wrong}");
    }
}
