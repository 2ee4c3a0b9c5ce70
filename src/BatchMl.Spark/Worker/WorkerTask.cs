using Apache.Arrow;

namespace BatchMl.Spark.Worker;

/// <summary>One attempt at one partition of a Spark stage, as its executor describes it.</summary>
public sealed class WorkerTask
{
    /// <summary>The function's bytes, exactly as the client put them into the plan.</summary>
    public required ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>The columns that the function is given, in the order of the plan's arguments.</summary>
    public required Schema InputSchema { get; init; }

    /// <summary>Spark's number of the stage.</summary>
    public required int StageId { get; init; }

    /// <summary>The partition, from 0.</summary>
    public required int PartitionId { get; init; }

    /// <summary>How often the partition was tried before, within this attempt of the stage; speculative copies count too.</summary>
    public required int Attempt { get; init; }

    /// <summary>A number that no other attempt of the same Spark application has.</summary>
    public required long TaskAttemptId { get; init; }

    /// <summary>Cores that Spark reserved for the task, at least 1; a fraction is rounded up.</summary>
    public required int Cpus { get; init; }

    /// <summary>The job's local properties, among them every session setting that begins with <c>spark</c>. May hold secrets: not to be logged.</summary>
    public required IReadOnlyDictionary<string, string> LocalProperties { get; init; }

    /// <summary>The folder with the session's files and unpacked archives on this executor; it is also the worker's working directory.</summary>
    public required string FilesFolder { get; init; }

    /// <summary>Addresses of the task's GPUs, e.g. <c>0</c>; several tasks may be given the same one. Empty: Spark schedules no GPUs.</summary>
    public required IReadOnlyList<string> GpuAddresses { get; init; }

    /// <summary>Major and minor version of the executor's Spark.</summary>
    public required Version SparkVersion { get; init; }

    /// <summary>The Connect session's id on the server; empty where Spark gives none.</summary>
    public required string SessionId { get; init; }

    /// <summary>Values that all tasks of this process share, such as loaded models.</summary>
    public required SharedValues Shared { get; init; }
}
