using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Spark.Engine;

/// <summary>
/// A folder of a run that driver and executors share: tasks stage files there, each attempt in a folder of its own, and the driver takes those that it was told of and removes the rest. It belongs to the driver as long as that lives.
/// </summary>
sealed class StagingFolder : IDisposable
{
    const string OwnerFile = "owner.lock", ProbeFile = "probe", Answers = "answers";

    readonly FileStream owner;

    StagingFolder(string path, FileStream owner) => (Path, this.owner) = (path, owner);

    public string Path { get; }

    /// <summary>Makes one in a workspace, and removes those whose drivers are gone.</summary>
    /// <exception cref="BatchMlException">The workspace is not writable.</exception>
    public static StagingFolder Create(string workspace)
    {
        var all = System.IO.Path.Combine(workspace, "spark-staging");
        foreach (var left in DurableFiles.FoldersIn(all)) RemoveAbandoned(left);
        var path = System.IO.Path.Combine(all, Guid.NewGuid().ToString("N"));
        try
        {
            Directory.CreateDirectory(System.IO.Path.Combine(path, Answers));
            return new StagingFolder(path, Open(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{path} can not be made: {e.Message} Expected a workspace in a writable folder that driver and executors share.", FailureKind.Permanent, e);
        }
    }

    static FileStream Open(string folder) => new(System.IO.Path.Combine(folder, OwnerFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    static void RemoveAbandoned(string folder)
    {
        try
        {
            using (Open(folder)) DurableFiles.RemoveFolder(folder);
        }
        catch (IOException)
        {
            // Its driver lives.
        }
    }

    /// <summary>A folder for an attempt of a task.</summary>
    public static string OfAttempt(string staging) => System.IO.Path.Combine(staging, Guid.NewGuid().ToString("N"));

    /// <summary>In a task, before it makes folders: holds that the driver still wants them.</summary>
    /// <exception cref="BatchMlException">The driver has removed its folder.</exception>
    public static void CheckWanted(string staging)
    {
        if (!File.Exists(System.IO.Path.Combine(staging, OwnerFile)))
            throw new BatchMlException($"{staging} is gone: the driver has ended what this task was for.", FailureKind.Transient);
    }

    /// <summary>Puts something there that tasks have to see.</summary>
    public void WriteProbe() => DurableFiles.Write(System.IO.Path.Combine(Path, ProbeFile), "shared"u8);

    /// <summary>In a task: shows that the driver's folder is seen from here, and that what is written here is seen there.</summary>
    public static async IAsyncEnumerable<RecordBatch> AnswerAsync(string staging, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel))
        {
            batch.Dispose();
            if (!File.Exists(System.IO.Path.Combine(staging, ProbeFile)))
                throw new BatchMlException($"The executor on {Environment.MachineName} does not see {staging}, which the driver made. Expected the workspace in a folder that driver and executors share under one path (NFS, a mounted volume); choose such a one with --workspace.", FailureKind.Permanent);
            var answer = Guid.NewGuid().ToString("N");
            DurableFiles.Write(System.IO.Path.Combine(staging, Answers, answer), "shared"u8);
            yield return new RecordBatch(new Schema([new Field("answer", Apache.Arrow.Types.StringType.Default, false)], null), [new StringArray.Builder().Append(answer).Build()], 1);
        }
    }

    /// <summary>Holds that an answer of a task can be seen.</summary>
    /// <exception cref="BatchMlException">It can not.</exception>
    public void CheckAnswer(string answer)
    {
        if (!File.Exists(System.IO.Path.Combine(Path, Answers, answer)))
            throw new BatchMlException($"What an executor wrote into {Path} is not to be seen from the driver. Expected the workspace in a folder that driver and executors share; choose such a one with --workspace.", FailureKind.Permanent);
    }

    // Tasks that came second, or were told to end, may write a while longer: under another name nothing can be added to the folder any more.
    public void Dispose()
    {
        var removed = Path + ".removed";
        Directory.Move(Path, removed);
        DurableFiles.RemoveFolder(removed);
        owner.Dispose();
    }
}
