namespace BatchMl.Spark.Connect;

/// <summary>How a session behaves. All have defaults.</summary>
public sealed record SparkSessionOptions
{
    /// <summary>Clock of waits; the system's by default.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Seed of the waits' jitter; by default the process's number, so that processes differ.</summary>
    public int Seed { get; init; } = Environment.ProcessId;

    /// <summary>Of the first call.</summary>
    public SparkRetries ConnectRetries { get; init; } = SparkRetries.OfConnecting;

    /// <summary>Of every later call, and of reattaching to an execution since its last response.</summary>
    public SparkRetries Retries { get; init; } = SparkRetries.Default;
}
