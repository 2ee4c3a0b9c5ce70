namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>A kernel that gets one thing wrong on purpose, to prove that the vectors notice.</summary>
/// <param name="Name">What it gets wrong.</param>
/// <param name="CaughtBy">The name of a vector that it fails.</param>
/// <param name="Compute">The broken kernel.</param>
public sealed record Mutant(string Name, string CaughtBy, AsOfCompute Compute)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Mutant> All { get; } =
        [.. KnowledgeMutants.All, .. FactMutants.All, .. OrderMutants.All, .. KeyMutants.All, .. WindowMutants.All, .. AggregateMutants.All, .. SumMutants.All];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
