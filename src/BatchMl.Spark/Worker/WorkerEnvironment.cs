using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchMl.Spark.Worker;

/// <summary>What Spark tells a worker when it starts it: by arguments and environment, which are read here and nowhere else.</summary>
sealed partial record WorkerEnvironment
{
    /// <summary>A daemon serves all tasks of a session on connections that it accepts; a simple worker serves one connection that it opens.</summary>
    internal required bool IsDaemon { get; init; }

    /// <summary>What both sides prove to know.</summary>
    internal string Secret { get; init; } = "";

    /// <summary>Where the JVM waits for a simple worker; 0: not said.</summary>
    internal int Port { get; init; }

    internal bool PrefersIPv6 { get; init; }

    /// <summary>Whether a connection serves one task after the other. A simple worker is told so too, and never does.</summary>
    internal bool ReusesConnections { get; init; }

    /// <summary>How long the other side has to prove itself.</summary>
    internal TimeSpan AuthenticationTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The version in the name of Spark's core jar on the class path; null: none is there.</summary>
    internal Version? SparkJar { get; init; }

    /// <summary>Whether a variable is there that Spark sets from 4.0 on.</summary>
    internal bool HasUdfBatchSize { get; init; }

    /// <summary>Whether a variable is there that Spark sets from 4.1 on.</summary>
    internal bool HasKillOnFlushFailure { get; init; }

    /// <summary>The Connect session's id on the server; empty: Spark gave none.</summary>
    internal string SessionId { get; init; } = "";

    /// <summary>Whether errors go without a stack.</summary>
    internal bool HidesStack { get; init; }

    /// <summary>Why such a worker can not be; null: it can.</summary>
    internal string? Refusal { get; init; }

    /// <summary>Whether these are the arguments that Spark gives its workers: <c>-m MODULE [MODULE]</c>.</summary>
    internal static bool IsWorker(IReadOnlyList<string> args) => args.Count is 2 or 3 && args[0] == "-m" && (IsModule(args[1], "daemon") || IsModule(args[1], "worker"));

    /// <summary>Whether these are the arguments with which Spark asks a Python about itself, in a worker's environment.</summary>
    internal static bool IsQuestion(IReadOnlyList<string> args, Func<string, string?> variable) =>
        (args is ["-VV"] or ["-c", ..]) && (variable("PYTHON_WORKER_FACTORY_SECRET") ?? variable("SPARK_JOB_ARTIFACT_UUID")) is not null;

    internal static WorkerEnvironment Read(IReadOnlyList<string> args, Func<string, string?> variable)
    {
        var isDaemon = IsModule(args[1], "daemon");
        int? Number(string name) => int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        var (secret, port) = (variable("PYTHON_WORKER_FACTORY_SECRET"), Number("PYTHON_WORKER_FACTORY_PORT"));
        return new()
        {
            IsDaemon = isDaemon,
            Secret = secret ?? "",
            Port = port ?? 0,
            PrefersIPv6 = IsTrue(variable("SPARK_PREFER_IPV6")),
            ReusesConnections = isDaemon && variable("SPARK_REUSE_WORKER") is not null,
            AuthenticationTimeout = TimeSpan.FromSeconds(Number("SPARK_AUTH_SOCKET_TIMEOUT") is { } seconds and > 0 ? seconds : 15),
            SparkJar = CoreJar().Match(variable("PYTHONPATH") ?? "") is { Success: true } jar ? Version.Parse(jar.Groups[1].Value) : null,
            HasUdfBatchSize = variable("PYTHON_UDF_BATCH_SIZE") is not null,
            HasKillOnFlushFailure = variable("PYTHON_DAEMON_KILL_WORKER_ON_FLUSH_FAILURE") is not null,
            SessionId = variable("SPARK_JOB_ARTIFACT_UUID") ?? "",
            HidesStack = variable("SPARK_HIDE_TRACEBACK") is not null,
            Refusal = IsTrue(variable("PYTHON_UNIX_DOMAIN_ENABLED"))
                ? "Spark wants to talk over unix sockets, expected TCP: set spark.python.unix.domain.socket.enabled=false (and PYSPARK_UDS_MODE to nothing) where the Spark server is started."
                : IsTrue(variable("PYTHON_WORKER_UNIFIED_EXECUTION_ENABLED"))
                    ? "Spark wants its experimental worker framework, expected the worker protocol: set spark.sql.execution.udf.unified.execution.enabled=false."
                    : string.IsNullOrEmpty(secret)
                        ? "PYTHON_WORKER_FACTORY_SECRET is not set, expected Spark's secret: '-m pyspark.daemon' and '-m pyspark.worker' are for Spark's executors, which set it."
                        : !isDaemon && port is null or <= 0 or > 65535 && !isDaemon
                            ? "PYTHON_WORKER_FACTORY_PORT is not a port, expected the one on which Spark waits for its worker."
                            : null,
        };
    }

    static bool IsModule(string name, string last) => name == last || name.EndsWith("." + last, StringComparison.Ordinal);

    static bool IsTrue(string? value) => value is not null && (value.Equals("true", StringComparison.OrdinalIgnoreCase) || value.Equals("yes", StringComparison.OrdinalIgnoreCase) || value == "1");

    [GeneratedRegex(@"spark-core_2\.1[23]-(\d{1,5}\.\d{1,5})\.")]
    private static partial Regex CoreJar();
}
