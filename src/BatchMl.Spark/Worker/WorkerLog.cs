namespace BatchMl.Spark.Worker;

/// <summary>Lines for whoever reads an executor's log. Never the header, its properties or a secret.</summary>
sealed class WorkerLog(TextWriter error)
{
    internal void Write(string line)
    {
        // One write a line, since others write to the same stream.
        error.Write($"batchml worker {Environment.ProcessId}: {line}{Environment.NewLine}");
        error.Flush();
    }
}
