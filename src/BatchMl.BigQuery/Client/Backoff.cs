namespace BatchMl.BigQuery.Client;

/// <summary>Waits between tries, on the clock that was given.</summary>
sealed class Backoff(BigQueryRetries retries, TimeProvider time, int seed)
{
    readonly Random random = new(seed);

    public int Attempts => retries.Attempts;

    /// <summary>Waits after so many failures; a server's own wish counts more than the random length.</summary>
    public Task WaitAsync(int failures, TimeSpan? wish, CancellationToken cancellation) =>
        Task.Delay(wish is { } asked ? Shorter(asked, TimeSpan.FromMinutes(10)) : Jitter() * Length(failures), time, cancellation);

    /// <summary>Waits a time that differs by up to a quarter.</summary>
    public Task PollAsync(TimeSpan about, CancellationToken cancellation) => Task.Delay(about * (0.75 + Jitter() / 2), time, cancellation);

    /// <summary>How long a <c>Retry-After</c> asks to wait; null: none.</summary>
    public TimeSpan? Wish(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date - time.GetUtcNow() is var left && left > TimeSpan.Zero => left,
        _ => null,
    };

    TimeSpan Length(int failures) => Shorter(retries.First * Math.Pow(2, Math.Clamp(failures - 1, 0, 30)), retries.Longest);

    static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    double Jitter()
    {
        lock (random) return random.NextDouble();
    }
}
