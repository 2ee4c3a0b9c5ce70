using System.Text;
using Apache.Arrow;

namespace BatchMl.Spark.Worker;

/// <summary>Functions by name. A command is the name in UTF-8, then, if there is an argument, a line feed and the argument's bytes.</summary>
/// <param name="functions">What there is, by name; names hold no line feed.</param>
public sealed class NamedFunctions(IReadOnlyDictionary<string, WorkerFunction> functions) : IWorkerFunctions
{
    const byte Separator = (byte)'\n';

    /// <summary>The name of <see cref="Identity"/>.</summary>
    public const string IdentityName = "identity";

    /// <summary>The bytes that ask for a function.</summary>
    public static byte[] Command(string name, ReadOnlySpan<byte> argument = default) => [.. Encoding.UTF8.GetBytes(name), .. argument.IsEmpty ? argument : [Separator, .. argument]];

    /// <summary>The argument within a command; empty if it has none.</summary>
    public static ReadOnlyMemory<byte> Argument(ReadOnlyMemory<byte> command) => command.Span.IndexOf(Separator) is >= 0 and var at ? command[(at + 1)..] : default;

    /// <summary>Gives every batch back as it is: what Spark and the worker cost without any work, and a check that a cluster lets the worker run.</summary>
    public static IAsyncEnumerable<RecordBatch> Identity(WorkerTask task, IAsyncEnumerable<RecordBatch> input, CancellationToken cancel) => input;

    /// <inheritdoc/>
    public WorkerFunction Find(ReadOnlyMemory<byte> command)
    {
        var name = command.Span.IndexOf(Separator) is >= 0 and var end ? command[..end] : command;
        // A name that is none may be anything, such as a pickled function: only its beginning is repeated.
        var text = Encoding.UTF8.GetString(name.Span[..Math.Min(name.Length, 100)]);
        return functions.TryGetValue(text, out var function)
            ? function
            : throw new BatchMlException($"The worker has no function '{text}', only {string.Join(", ", functions.Keys.Order(StringComparer.Ordinal))}: driver and worker are of different builds. Publish the program anew to the executors.");
    }
}
