namespace BatchMl.Spark.Connect;

/// <summary>How far an execution is.</summary>
/// <param name="Stages">The stages begun so far.</param>
/// <param name="TasksRunning">Tasks that run now.</param>
public sealed record SparkProgress(IReadOnlyList<SparkStage> Stages, long TasksRunning)
{
    /// <summary>Tasks of all stages begun so far.</summary>
    public long Tasks => Stages.Sum(s => s.Tasks);

    /// <summary>Those that are done.</summary>
    public long TasksDone => Stages.Sum(s => s.TasksDone);

    /// <summary>Bytes read from sources.</summary>
    public long BytesRead => Stages.Sum(s => s.BytesRead);

    internal static SparkProgress Of(Proto.ExecutePlanResponse.Types.ExecutionProgress progress) =>
        new([.. progress.Stages.Select(s => new SparkStage(s.StageId, s.NumTasks, s.NumCompletedTasks, s.InputBytesRead, s.Done))], progress.NumInflightTasks);
}

/// <summary>A stage of an execution.</summary>
/// <param name="Id">Number in the application, as Spark's pages show it.</param>
/// <param name="Tasks">Its tasks.</param>
/// <param name="TasksDone">Those that are done.</param>
/// <param name="BytesRead">Bytes read from sources.</param>
/// <param name="Done">Whether the stage is done.</param>
public sealed record SparkStage(long Id, long Tasks, long TasksDone, long BytesRead, bool Done);
