using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Engine.Shuffle;
using BatchMl.Scoring;

namespace BatchMl.Spark.Engine;

/// <summary>What a task is to do.</summary>
enum TaskKind
{
    /// <summary>Shows that it sees the staging folder.</summary>
    Probe,
    /// <summary>Counts the spine rows of a pass by bucket and time.</summary>
    CountSpine,
    /// <summary>Counts the events of a view by bucket and time.</summary>
    CountEvents,
    /// <summary>Reads spine rows.</summary>
    Spine,
    /// <summary>Reads events of a view.</summary>
    Events,
    /// <summary>Sends versions of facts to where they are asked for.</summary>
    Versions,
    /// <summary>Joins the views of a pass.</summary>
    Join,
    /// <summary>Brings rows back into order, and stages them for the driver.</summary>
    Rows,
    /// <summary>Brings rows back into order and scores them.</summary>
    Score,
}

/// <summary>
/// What a task is told: it travels with every task as JSON, and everything else a worker knows from the program, which must be the driver's.
/// </summary>
/// <param name="Program">Digest of the driver's program.</param>
/// <param name="Kind">What is to be done.</param>
/// <param name="Number">Number of the view or pass.</param>
/// <param name="Query">Digest of the query.</param>
/// <param name="Inputs">Digest of the pinned files' identities.</param>
/// <param name="Workspace">The driver's workspace.</param>
/// <param name="Settings">Settings of the driver that the worker needs: where sources are.</param>
/// <param name="Options">How features are computed.</param>
/// <param name="Partitions">What is computed.</param>
/// <param name="Layout">How rows are spread.</param>
/// <param name="Staging">A folder that driver and workers share; null where nothing is staged.</param>
/// <param name="Score">The model; null where nothing is scored.</param>
sealed record TaskOrder(
    string Program, TaskKind Kind, int Number, string Query, string Inputs, string Workspace, IReadOnlyDictionary<string, string?> Settings, FeatureOptions Options,
    IReadOnlyList<SpinePartition> Partitions, ShuffleLayout Layout, string? Staging, ScoreOrder? Score)
{
    /// <summary>The worker's function that takes such orders.</summary>
    public const string FunctionName = "task";

    public byte[] ToCommand() => Worker.NamedFunctions.Command(FunctionName, JsonSerializer.SerializeToUtf8Bytes(this));

    /// <exception cref="BatchMlException">It is not from this program's driver.</exception>
    public static TaskOrder FromCommand(ReadOnlyMemory<byte> command)
    {
        var json = Worker.NamedFunctions.Argument(command).Span;
        var program = ProgramOf(json);
        if (program != ProgramDigest.Own)
        {
            throw new BatchMlException(
                $"The worker in {AppContext.BaseDirectory} is of build {ProgramDigest.Own[..12]}, the driver of {program[..Math.Min(12, program.Length)]}. Expected the same: publish the program anew to where executors find it, or let the driver send it (--ship, or Spark:Ship=true).");
        }
        return JsonSerializer.Deserialize<TaskOrder>(json)!;
    }

    // Of another build only this can be read: the rest may have changed.
    static string ProgramOf(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            return JsonDocument.ParseValue(ref reader).RootElement.GetProperty(nameof(Program)).GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new BatchMlException($"A task's order can not be read: {e.Message} Driver and worker are of different builds; publish the program anew to where executors find it.", FailureKind.Permanent, e);
        }
    }
}

/// <summary>How a task scores.</summary>
/// <param name="Model">The model.</param>
/// <param name="Challenger">The model that scores beside it; null: none does.</param>
/// <param name="Keep">Columns that rows keep.</param>
/// <param name="Attempts">The attempts, in the order of the partitions.</param>
/// <param name="RunId">The run.</param>
/// <param name="ScoredAt">Column <c>scored_at</c>.</param>
/// <param name="DeadLetters">Dead letters that may still come.</param>
sealed record ScoreOrder(ModelOrder Model, ModelOrder? Challenger, IReadOnlyList<string> Keep, IReadOnlyList<Attempt> Attempts, string RunId, DateTimeOffset ScoredAt, long DeadLetters);

/// <summary>A model that a task scores with.</summary>
/// <param name="Folder">Folder of its package.</param>
/// <param name="Digest">Its digest.</param>
sealed record ModelOrder(string Folder, string Digest)
{
    public static ModelOrder Of(ModelPackage package) => new(Path.GetDirectoryName(package.WeightsPath)!, package.Manifest.Digest);
}

/// <summary>An attempt at a partition.</summary>
sealed record Attempt(PartitionKey Key, long Fence);

/// <summary>Which files sources are, whatever path leads to them.</summary>
static class InputsDigest
{
    public static string Of(IPinnedQuery pinned)
    {
        var text = new StringBuilder();
        foreach (var source in pinned.Sources.DistinctBy(s => s.Source.Name).OrderBy(s => s.Source.Name, StringComparer.Ordinal))
        {
            text.Append(source.Source.Name).Append('\n');
            foreach (var file in source.Snapshot.Files) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{Path.GetFileName(file.Path)}|{file.Size}|{file.Modified.UtcTicks}|{file.Digest}\n");
        }
        return Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text.ToString())));
    }
}

/// <summary>Which build of a program this is: its assemblies, whatever folder they are in.</summary>
static class ProgramDigest
{
    static readonly Lazy<string> own = new(() =>
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(IsOurs).OrderBy(Path.GetFileName, StringComparer.Ordinal)) hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    });

    public static string Own => own.Value;

    // What computes, and the program with the definitions; other libraries come with them.
    static bool IsOurs(string file) => Path.GetFileName(file).StartsWith("BatchMl.", StringComparison.Ordinal) || Path.GetFileNameWithoutExtension(file) == System.Reflection.Assembly.GetEntryAssembly()?.GetName().Name;
}
