using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>In .NET what the recorded Python functions did.</summary>
static class Functions
{
    public static readonly WorkerFunction Identity = NamedFunctions.Identity;

    /// <summary>(id, x, s) becomes (id, y = 2x, s).</summary>
    public static async IAsyncEnumerable<RecordBatch> Double(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        var schema = new Schema([new Field("id", Int64Type.Default, true), new Field("y", DoubleType.Default, true), new Field("s", StringType.Default, true)], null);
        await foreach (var batch in input.WithCancellation(cancel))
        {
            var y = new DoubleArray.Builder();
            foreach (var x in (DoubleArray)batch.Column(1)) y.Append(x * 2);
            yield return new RecordBatch(schema, [batch.Column(0), y.Build(), batch.Column(2)], batch.Length);
        }
    }

    public static async IAsyncEnumerable<RecordBatch> Nothing(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in input.WithCancellation(cancel)) batch.Dispose();
        yield break;
    }

    /// <summary>Fails at a batch, counted from 0; those before it go through.</summary>
    public static WorkerFunction FailAt(int number, Exception? error = null)
    {
        return Run;

        async IAsyncEnumerable<RecordBatch> Run(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
        {
            var seen = 0;
            await foreach (var batch in input.WithCancellation(cancel))
            {
                if (seen++ == number) throw error ?? new DataException($"boom: batch {number}");
                yield return batch;
            }
        }
    }
}
