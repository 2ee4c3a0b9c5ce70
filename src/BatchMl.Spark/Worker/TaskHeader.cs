namespace BatchMl.Spark.Worker;

/// <summary>What precedes a task's data, whichever layout it came in.</summary>
sealed record TaskHeader(Version Spark, TaskContext Context, string FilesFolder, ReadOnlyMemory<byte> Command);

/// <summary>Which task it is, and what Spark gives it. The local properties may hold secrets: they are never written anywhere.</summary>
sealed record TaskContext
{
    internal required int StageId { get; init; }
    internal required int PartitionId { get; init; }
    internal required int Attempt { get; init; }
    internal required long TaskAttemptId { get; init; }
    internal required int Cpus { get; init; }

    /// <summary>Addresses by resource, e.g. <c>gpu</c> to <c>0</c>.</summary>
    internal required IReadOnlyDictionary<string, IReadOnlyList<string>> Resources { get; init; }
    internal required IReadOnlyDictionary<string, string> LocalProperties { get; init; }

    /// <summary>How log lines and errors name the task.</summary>
    internal string Name => $"stage {StageId}, partition {PartitionId}, attempt {Attempt} (task {TaskAttemptId})";
}
