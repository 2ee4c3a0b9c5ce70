namespace BatchMl.Benchmarks.Harness;

/// <summary>One line of the table, run in a process of its own.</summary>
abstract class Benchmark
{
    /// <summary>What it is called on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What is measured.</summary>
    public abstract string What { get; }

    /// <summary>What it should come to, as it is written.</summary>
    public abstract string Target { get; }

    /// <summary>Takes many minutes or tens of gigabytes: only when it is named.</summary>
    public virtual bool IsLong => false;

    /// <summary>Compares answers, then times.</summary>
    /// <param name="folder">An empty folder that is deleted afterwards.</param>
    public abstract Task<Outcome> RunAsync(string folder);
}

/// <summary>What came out.</summary>
/// <param name="Ours">Our figure with its unit.</param>
/// <param name="Against">The figure it is held against; empty: none.</param>
/// <param name="Result">What the target is about, such as a ratio.</param>
/// <param name="Met">Whether the target is met.</param>
/// <param name="Notes">What a reader needs to judge it.</param>
sealed record Outcome(string Ours, string Against, string Result, bool Met, string Notes = "");
