namespace BatchMl.Spark.Connect;

/// <summary>An error of Spark, or on the way to it. Where a worker of ours failed inside of Spark, message and kind are the worker's.</summary>
public sealed class SparkException : BatchMlException
{
    internal SparkException(string message, FailureKind kind = FailureKind.Permanent, Exception? inner = null) : base(message, kind, inner)
    {
    }

    /// <summary>Spark's name of the condition, e.g. <c>TABLE_OR_VIEW_NOT_FOUND</c>; null: it has none, or Spark 3.5 did not say it.</summary>
    public string? ErrorClass { get; internal init; }

    /// <summary>Five characters of the SQL standard, e.g. <c>42P01</c>; null: it has none.</summary>
    public string? SqlState { get; internal init; }

    /// <summary>Full name of the Java class, e.g. <c>org.apache.spark.sql.AnalysisException</c>; null: not an error of Java.</summary>
    public string? JavaClass { get; internal init; }

    /// <summary>The Java stack with its causes, as far as the server sends it; null: none.</summary>
    public string? JavaStack { get; internal init; }

    /// <summary>Full name of the .NET type that a worker of ours threw; null: no worker failed.</summary>
    public string? WorkerType { get; internal init; }

    /// <summary>Message, .NET stack, and what Java said.</summary>
    public override string ToString() => JavaStack is null ? base.ToString() : $"{base.ToString()}{Environment.NewLine}--- in Spark ---{Environment.NewLine}{JavaStack}";
}
