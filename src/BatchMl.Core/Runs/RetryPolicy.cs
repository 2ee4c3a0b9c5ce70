namespace BatchMl.Runs;

/// <summary>When a transient error is tried again: exponential back-off with full jitter, from a seeded source, so that a run can be repeated.</summary>
sealed class RetryPolicy
{
    public const int Attempts = 4;
    static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    readonly Random random = new(1);

    /// <summary>How long to wait before the attempt after this many; null: give up.</summary>
    public TimeSpan? After(int attempts)
    {
        if (attempts >= Attempts) return null;
        double jitter;
        lock (random) jitter = random.NextDouble();
        return First * Math.Pow(4, attempts - 1) * (0.5 + jitter / 2);
    }

    public static FailureKind KindOf(Exception error) => error switch
    {
        BatchMlException e => e.Kind,
        IOException or UnauthorizedAccessException => FailureKind.Transient,
        _ => FailureKind.Bug,
    };
}
