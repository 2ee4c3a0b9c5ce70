namespace BatchMl.Spark.Worker;

/// <summary>What all connections of a worker process share.</summary>
sealed record WorkerContext(WorkerEnvironment Environment, IWorkerFunctions Functions, SharedValues Shared, TimeProvider Clock, WorkerLog Log)
{
    /// <summary>Nobody may want a value again; but the next stage of a job begins sooner than this.</summary>
    internal static readonly TimeSpan SharedIdle = TimeSpan.FromSeconds(30);

    /// <summary>How long a daemon stays without connections. Spark starts it again when it needs it.</summary>
    internal static readonly TimeSpan DaemonIdle = TimeSpan.FromMinutes(2);
}
