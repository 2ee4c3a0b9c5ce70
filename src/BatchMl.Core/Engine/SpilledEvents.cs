using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine;

/// <summary>
/// Events beyond the memory budget: hash-partitioned by key on disk, swept bucket by bucket. One key's events must fit the budget. Not for versions of facts, which may
/// move from key to key.
/// </summary>
sealed class SpilledEvents(EventColumns columns, SpillFactory? factory, long budget) : IDisposable
{
    // Each bucket should fit the budget even when the whole is far beyond it; 64 is room for about 60 times the budget.
    const int Buckets = 64;
    ISpill? spill;

    public bool IsUsed => spill is not null;

    public bool Exceeds(long bytes) => factory is not null && bytes > budget;

    public void Add(RecordBatch evaluated)
    {
        spill ??= factory!(columns.Schema, Buckets);
        spill.Add(evaluated, EventKeys.BucketsOf(evaluated.Arrays.Take(columns.KeyCount).ToArray(), evaluated.Length, Buckets));
    }

    public async Task<IReadOnlyList<IArrowArray>> ComputeAsync(SpineTable spine, AsOfQuery query, CancellationToken cancel)
    {
        var rows = spine.AsOf.Length;
        var bucketOf = EventKeys.BucketsOf(spine.Keys, rows, Buckets);
        var parts = new List<IReadOnlyList<IArrowArray>>();
        var position = new int[rows];
        var done = 0;
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            var mine = Enumerable.Range(0, rows).Where(i => bucketOf[i] == bucket).ToArray();
            if (mine.Length == 0) continue;
            var batches = new List<RecordBatch>();
            await foreach (var batch in spill!.ReadBucketAsync(bucket, cancel)) batches.Add(batch);
            var part = new SpineTable([.. spine.Keys.Select(k => Columns.Take(k, mine))], (TimestampArray)Columns.Take(spine.AsOf, mine));
            parts.Add(AsOfKernel.Compute(columns.ToTable(batches, null), part, query));
            foreach (var batch in batches) batch.Dispose();
            foreach (var row in mine) position[row] = done++;
        }
        // The ordinals restore the spine's order.
        return [.. Enumerable.Range(0, parts[0].Count).Select(c => Columns.Take(Columns.Concat([.. parts.Select(p => p[c])]), position))];
    }

    public void Dispose() => spill?.Dispose();
}
