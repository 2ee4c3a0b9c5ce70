using BatchMl.TestSupport;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>One recorded connection between Spark's JVM and Spark's own Python worker.</summary>
sealed class Recording
{
    public static readonly string[] Versions = ["3.5.7", "4.1.4", "4.3.0"];

    readonly string folder;
    readonly string connection;

    public Recording(string version, string connection)
    {
        folder = Shared.Path($"spark/golden/{version}");
        this.connection = connection;
        Version = version;
        FromJvm = File.ReadAllBytes(Path.Combine(folder, $"{connection}.jvm2worker.bin"));
        FromPython = File.ReadAllBytes(Path.Combine(folder, $"{connection}.worker2jvm.bin"));
    }

    public string Version { get; }

    public byte[] FromJvm { get; }

    public byte[] FromPython { get; }

    /// <summary>The times of 4.2 and later have one number more.</summary>
    public bool HasProcessingTime => string.CompareOrdinal(Version, "4.2") >= 0;

    /// <summary>What follows the JVM's part of the handshake.</summary>
    public byte[] Tasks => FromJvm[(4 + FirstLength)..];

    /// <summary>The arguments and the environment that Spark gave, with this connection's secret.</summary>
    public (string[] Args, Dictionary<string, string> Environment) Launch()
    {
        var lines = File.ReadAllLines(Path.Combine(folder, $"{connection.Split('.')[0]}.launch.txt"));
        var args = lines.Single(l => l.StartsWith("argv: ", StringComparison.Ordinal))["argv: ".Length..].Split(' ');
        var environment = lines.Where(l => l.StartsWith("env: ", StringComparison.Ordinal)).Select(l => l["env: ".Length..].Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
        environment["PYTHON_WORKER_FACTORY_SECRET"] = System.Text.Encoding.UTF8.GetString(FromJvm, 4, FirstLength);
        return (args, environment);
    }

    int FirstLength => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(FromJvm);
}
