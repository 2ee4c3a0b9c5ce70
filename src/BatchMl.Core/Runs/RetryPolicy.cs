namespace BatchMl.Runs;

/// <summary>What is done about errors, and when a transient one is tried again: exponential back-off with jitter, so that processes that failed together do not come back together.</summary>
sealed class RetryPolicy(int seed)
{
    /// <summary>Tries in all, the first included.</summary>
    public const int Attempts = 4;

    static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    readonly Random random = new(seed);

    /// <summary>How long to wait before the next try, after this many; null: give up. 125 to 250 ms, 0.5 to 1 s, 2 to 4 s.</summary>
    public TimeSpan? After(int attempts)
    {
        if (attempts >= Attempts) return null;
        double jitter;
        lock (random) jitter = random.NextDouble();
        return First * Math.Pow(4, attempts - 1) * (0.5 + jitter / 2);
    }

    /// <summary>What the runner does about an error. A defect is what nobody foresaw.</summary>
    public static FailureKind KindOf(Exception error) => error switch
    {
        BatchMlException e => e.Kind,
        // A busy file or a disk that is full may pass; a missing permission does not.
        IOException => FailureKind.Transient,
        UnauthorizedAccessException => FailureKind.Permanent,
        // What runs beside it may have taken the memory; and a unit that fails again is taken apart, so that each of its partitions needs less.
        OutOfMemoryException => FailureKind.Transient,
        _ => FailureKind.Bug,
    };

    /// <summary>Whether no other partition may be tried after this.</summary>
    public static bool StopsRun(Exception error) => error is DeadLetterLimitException or DefinitionException or EngineUnavailableException || KindOf(error) == FailureKind.Bug;

    /// <summary>The error itself, where it came wrapped by something that ran in parallel.</summary>
    public static Exception Unwrap(Exception error) => error is AggregateException all && all.Flatten().InnerExceptions is [var first, ..] ? Unwrap(first) : error;
}
