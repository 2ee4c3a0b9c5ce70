using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Worker;

namespace BatchMl.TestWorker;

/// <summary>What the worker of the tests can be asked to do.</summary>
static class TestFunctions
{
    public static readonly IReadOnlyDictionary<string, WorkerFunction> All = new Dictionary<string, WorkerFunction>
    {
        [NamedFunctions.IdentityName] = NamedFunctions.Identity, ["tell"] = Tell, ["fail"] = Fail, ["fail-once"] = FailOnce, ["wait"] = Wait,
    };

    /// <summary>One row of text: process, version, attempt, addresses of GPUs, rows, and a session setting.</summary>
    static async IAsyncEnumerable<RecordBatch> Tell(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        var rows = 0L;
        await foreach (var batch in input.WithCancellation(cancel))
        {
            rows += batch.Length;
            batch.Dispose();
        }
        var told = string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessId};{task.SparkVersion};{task.Attempt};{string.Join('+', task.GpuAddresses)};{rows};{task.LocalProperties.GetValueOrDefault("spark.batchml.test")};{task.FilesFolder == Environment.CurrentDirectory}");
        yield return new RecordBatch(new Schema([new Field("told", StringType.Default, true)], null), [new StringArray.Builder().Append(told).Build()], 1);
    }

    /// <summary>Fails behind its first batch with the argument as message.</summary>
    static async IAsyncEnumerable<RecordBatch> Fail(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel))
        {
            yield return batch;
            throw new DataException(Text(task));
        }
    }

    static async IAsyncEnumerable<RecordBatch> FailOnce(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel))
        {
            yield return batch;
            if (task.Attempt == 0) throw new BatchMlException("the first attempt fails", FailureKind.Transient);
        }
    }

    /// <summary>Makes the file "begun" in the folder that the argument names, waits for ever, and makes "stopped" when it is stopped.</summary>
    static async IAsyncEnumerable<RecordBatch> Wait(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await File.WriteAllTextAsync(Path.Combine(Text(task), "begun"), "", cancel);
        try
        {
            await Task.Delay(Timeout.Infinite, cancel);
        }
        finally
        {
            await File.WriteAllTextAsync(Path.Combine(Text(task), "stopped"), "", CancellationToken.None);
        }
        yield break;
    }

    static string Text(WorkerTask task) => Encoding.UTF8.GetString(NamedFunctions.Argument(task.Command).Span);
}
