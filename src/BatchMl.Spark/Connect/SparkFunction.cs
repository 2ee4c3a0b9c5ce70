namespace BatchMl.Spark.Connect;

/// <summary>A function of ours that Spark's executors run over batches of rows, in the program that the session's <c>spark.sql.execution.pyspark.python</c> names.</summary>
/// <param name="Command">What the worker is told to do; Spark carries it unread with every task, so it should be kilobytes at most.</param>
/// <param name="InputColumns">The columns that it gets, in this order; at least one, each once.</param>
/// <param name="OutputDdl">Names and types of what it returns, e.g. <c>`id` BIGINT, `score` DOUBLE</c> (<see cref="SparkTypes.ToDdl(Apache.Arrow.Schema)"/>); without NOT NULL.</param>
/// <param name="Name">Name in Spark's plans and pages.</param>
public sealed record SparkFunction(byte[] Command, IReadOnlyList<string> InputColumns, string OutputDdl, string Name);
