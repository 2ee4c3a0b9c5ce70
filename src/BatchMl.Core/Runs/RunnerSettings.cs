namespace BatchMl.Runs;

/// <summary>What tests change about a runner.</summary>
sealed record RunnerSettings
{
    /// <summary>A lease whose heartbeat has not changed for this long has expired.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often partitions that others hold are looked at.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>This process, as others see it.</summary>
    public string Holder { get; init; } = Runs.Holder.Self();

    /// <summary>Whether a holder's process is known not to exist any more.</summary>
    public Func<string, bool> IsGone { get; init; } = Runs.Holder.IsGone;
}
