using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>Errors of workers that the runner treats by their type are of that type again on the driver; all others stay what Spark's client makes of them.</summary>
static class WorkersErrors
{
    public static async IAsyncEnumerable<RecordBatch> WithWorkersErrorsAsync(this IAsyncEnumerable<RecordBatch> batches, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var from = batches.GetAsyncEnumerator(cancel);
        while (true)
        {
            try
            {
                if (!await from.MoveNextAsync()) yield break;
            }
            catch (SparkException e) when (e.WorkerType == typeof(DeadLetterLimitException).FullName)
            {
                throw new DeadLetterLimitException(e.Message);
            }
            catch (SparkException e) when (e.WorkerType == typeof(InputChangedException).FullName)
            {
                throw new InputChangedException(e.Message);
            }
            yield return from.Current;
        }
    }
}
