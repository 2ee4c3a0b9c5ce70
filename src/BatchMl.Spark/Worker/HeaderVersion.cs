using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchMl.Spark.Worker;

/// <summary>
/// Tells which Spark wrote a header. Nothing in it says so outright: the client tags its functions (<c>dotnet1/spark4.1</c> in the place of Python's version), the class path names the jar of Spark's core,
/// and the layouts differ in their first bytes. Those bytes must not contradict what was said.
/// </summary>
static partial class HeaderVersion
{
    internal static readonly Version Spark35 = new(3, 5), Spark40 = new(4, 0), Spark41 = new(4, 1), Spark42 = new(4, 2), Newest = new(4, 3);

    /// <summary>How many bytes after the tag tell the layouts apart.</summary>
    internal const int Telling = 25;

    const string TagProtocol = "1";

    static readonly Version[] Known = [Spark35, Spark40, Spark41, Spark42, Newest];

    /// <summary>The version by tag, else by jar, else by the bytes.</summary>
    /// <exception cref="ProtocolException">It is none of those known here, or the bytes are another's.</exception>
    internal static Version Of(string tag, WorkerEnvironment environment, bool isFramed, ReadOnlySpan<byte> telling)
    {
        var (stated, by) = Stated(tag, environment);
        if (stated is not null && !Known.Contains(stated))
            throw new ProtocolException($"This is Spark {stated} ({by}), expected {Spark35} to {Newest}: {(stated > Newest ? "a newer Spark needs a newer worker" : "Spark is too old")}.");
        var (likely, possible) = ByBytes(isFramed, telling, environment);
        if (stated is null) return likely;
        return possible.Contains(stated)
            ? stated
            : throw new ProtocolException($"The task's header has the layout of Spark {likely}, but this is Spark {stated} ({by}): the client, or the worker's environment, is of another Spark.");
    }

    static (Version? Version, string By) Stated(string tag, WorkerEnvironment environment)
    {
        if (Tag().Match(tag) is { Success: true } match)
        {
            if (match.Groups[1].Value != TagProtocol)
                throw new ProtocolException($"The function is tagged '{tag}', expected 'dotnet{TagProtocol}/spark…': driver and worker are of different builds. Publish the program anew to the executors.");
            return (Version.Parse(match.Groups[2].Value), $"by the client's tag '{tag}'");
        }
        return (environment.SparkJar, "by the jar of Spark's core on the class path");
    }

    static (Version Likely, Version[] Possible) ByBytes(bool isFramed, ReadOnlySpan<byte> telling, WorkerEnvironment environment)
    {
        if (isFramed) return (Newest, [Newest]);
        if (telling[4] == '{' && telling[5] == '"') return (Spark42, [Spark42]);
        if (telling[0] == 1)
        {
            // Barrier tasks look alike in all three; what is in the environment tells.
            var likely = !environment.HasUdfBatchSize ? Spark35 : environment.HasKillOnFlushFailure ? Spark41 : Spark40;
            return (likely, [Spark35, Spark40, Spark41]);
        }
        // Up to 4.0 an empty port and secret come first, so that the upper half of a task's number, 0, stands where 4.1 has its cpus, at least 1.
        if (BinaryPrimitives.ReadInt32BigEndian(telling[21..]) != 0) return (Spark41, [Spark41]);
        return (environment.HasUdfBatchSize ? Spark40 : Spark35, [Spark35, Spark40]);
    }

    [GeneratedRegex(@"^dotnet(\d{1,5})/spark(\d{1,5}\.\d{1,5})(?:\.|$)")]
    private static partial Regex Tag();
}
