namespace BatchMl.Spark.Connect;

/// <summary>How often, and after which waits, a call is repeated that failed because the server could not be reached. Waits grow fourfold, each by up to half shorter at random so that clients do not come back together.</summary>
/// <param name="Attempts">Tries in all, the first included; at least 1.</param>
/// <param name="First">The wait before the second try.</param>
/// <param name="Longest">No wait is longer.</param>
public sealed record SparkRetries(int Attempts, TimeSpan First, TimeSpan Longest)
{
    /// <summary>Eight tries within some 40 seconds.</summary>
    public static SparkRetries Default { get; } = new(8, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(15));

    /// <summary>Five tries within some 4 seconds, for the first call: a server that is not there should be told soon.</summary>
    public static SparkRetries OfConnecting { get; } = new(5, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(15));

    /// <summary>The wait after so many failed tries; null: give up.</summary>
    internal TimeSpan? After(int failures, double random)
    {
        if (failures >= Attempts) return null;
        var full = Math.Min(First.TotalMilliseconds * Math.Pow(4, failures - 1), Longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full * (0.5 + random / 2));
    }
}
