namespace BatchMl.Spark.Engine;

/// <summary>How jobs run on Spark.</summary>
public sealed record SparkEngineOptions
{
    /// <summary>The Connect server, e.g. <c>sc://localhost:15002</c>.</summary>
    public required string Remote { get; init; }

    /// <summary>The driver's workspace, absolute: in a folder that driver and executors share under one path.</summary>
    public required string Workspace { get; init; }

    /// <summary>Settings that tasks need, with absolute paths: where sources are.</summary>
    public required IReadOnlyDictionary<string, string?> Settings { get; init; }

    /// <summary>This program, as executors find it; with <see cref="Ship"/> as the driver finds it.</summary>
    public required string WorkerProgram { get; init; }

    /// <summary>
    /// Whether the folder of <see cref="WorkerProgram"/> is sent to the executors, which unpack it once per host and build (into <c>BATCHML_PROGRAM_CACHE</c> of their environment, by default <c>batchml-programs-UID</c> in the
    /// temporary folder); by default they find it themselves. Executors need <c>sh</c>, <c>tar</c>, <c>gzip</c> and <c>flock</c>, and .NET unless the program was published self-contained.
    /// </summary>
    public bool Ship { get; init; }

    /// <summary>Settings of the Spark session, on top of those that the engine needs.</summary>
    public IReadOnlyDictionary<string, string> Confs { get; init; } = new Dictionary<string, string>();

    /// <summary>Rows of spine and events for each task of a shuffle, about; default 262,144. The number of tasks is never above <c>spark.sql.shuffle.partitions</c>.</summary>
    public long RowsPerTask { get; init; } = 1 << 18;

    /// <summary>Told in a line what Spark is doing; null: nobody is.</summary>
    public Action<string>? OnProgress { get; init; }

    /// <summary>"Now".</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
