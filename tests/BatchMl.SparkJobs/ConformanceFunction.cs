using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Engine.Shuffle;
using BatchMl.Kernel;
using BatchMl.Spark.Worker;

namespace BatchMl.SparkJobs;

/// <summary>
/// The as-of kernel as a function of Spark's executors. Each bucket of parcels is one case: its events and spine in pieces, in order, and its query; what comes out is a parcel with the kernel's columns, or with what it
/// refused the data for.
/// </summary>
public static class ConformanceFunction
{
    /// <summary>The function's name.</summary>
    public const string Name = "conformance";

    /// <summary>As a worker runs it.</summary>
    public static async IAsyncEnumerable<RecordBatch> RunAsync(WorkerTask task, IAsyncEnumerable<RecordBatch> input, [EnumeratorCancellation] CancellationToken cancel)
    {
        var parcels = new List<Parcel>();
        await foreach (var batch in input.WithCancellation(cancel))
        {
            using (batch)
            {
                foreach (var parcel in Parcel.FromBatch(batch))
                {
                    if (parcels.Count > 0 && parcels[0].Bucket != parcel.Bucket)
                    {
                        yield return Compute(parcels);
                        parcels.Clear();
                    }
                    parcels.Add(parcel);
                }
            }
        }
        if (parcels.Count > 0) yield return Compute(parcels);
    }

    static RecordBatch Compute(IReadOnlyList<Parcel> parcels)
    {
        var (events, spine, query) = TravellingCase.FromParcels(parcels);
        return TravellingCase.Outcome(parcels[0].Bucket, () => AsOfKernel.Compute(events, spine, query)).ToBatch();
    }
}
