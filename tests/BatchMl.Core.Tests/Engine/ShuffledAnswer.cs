using BatchMl.Engine;
using BatchMl.Engine.Shuffle;

namespace BatchMl.Core.Tests.Engine;

/// <summary>A query computed in tasks with a shuffle between them, as an engine on many machines does: every task has an object of its own, and parcels arrive in any order but by bucket.</summary>
sealed class ShuffledAnswer(IPinnedQuery pinned, IReadOnlyList<SpinePartition> partitions, ShuffleLayout layout, int tasks, Random random)
{
    ShuffledQuery Query => ShuffledQuery.Of(pinned, partitions, layout);

    /// <summary>A layout of few buckets, some of which are cut: at random instants, or where counting says.</summary>
    public static async Task<ShuffleLayout> LayoutAsync(IPinnedQuery pinned, IReadOnlyList<SpinePartition> partitions, bool byPartition, Random random)
    {
        var even = new ShuffleLayout(random.Next(1, 4), byPartition, []);
        var (min, max) = (partitions.Min(p => p.MinAsOf), partitions.Max(p => p.MaxAsOf));
        var hot = new List<HotBucket>();
        var query = ShuffledQuery.Of(pinned, partitions, even);
        for (var pass = 0; pass < query.Passes; pass++)
        {
            if (query.CanCount(pass) && random.Next(2) == 0) hot.AddRange((await CountAsync(query, pass)).Hot(pass, random.Next(1, 8)));
            else
            {
                for (var bucket = 0; bucket < even.Buckets; bucket++)
                {
                    if (random.Next(2) == 0 && max > min) hot.Add(new HotBucket(pass, bucket, [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.NextInt64(min, max)).Distinct().Order()]));
                }
            }
        }
        return even with { HotBuckets = hot };
    }

    // Each part is counted by a task of its own.
    static async Task<BucketCounts> CountAsync(ShuffledQuery query, int pass)
    {
        var all = query.NewCounts();
        foreach (var part in query.SpineParts)
            foreach (var count in (await query.CountSpineAsync(pass, [part], default)).All) all.Add(count);
        foreach (var (view, part) in query.ViewsOf(pass).SelectMany(v => query.EventParts(v).Select(p => (v, p))))
            foreach (var count in (await query.CountEventsAsync(view, [part], default)).All) all.Add(count);
        return all;
    }

    public async Task<IReadOnlyList<(long Bucket, FeatureBatch Batch)>> ComputeAsync()
    {
        var query = Query;
        var spine = await TasksAsync(query.SpineParts, (q, parts) => q.ReadSpineAsync(parts, default));
        for (var pass = 0; pass < query.Passes; pass++)
        {
            foreach (var view in query.ViewsOf(pass))
            {
                var events = await TasksAsync(query.EventParts(view), (q, parts) => q.ReadEventsAsync(view, parts, default));
                if (query.HasVersions(view)) events = await ShuffleAsync(events, (q, parcels) => q.FollowVersionsAsync(view, parcels, default));
                spine.AddRange(events);
            }
            spine = await ShuffleAsync(spine, (q, parcels) => q.JoinAsync(pass, parcels, default));
        }
        var finished = await ShuffleAsync(spine, (q, parcels) => q.FinishAsync(parcels, default));
        return [.. finished.OrderBy(f => f.Bucket).Select(f => (f.Bucket, TravellingRows.Unpack(Parcel.Of(f.Bucket, 0, 0, TravellingRows.Pack(f.Rows)).Rows())))];
    }

    async Task<List<Parcel>> TasksAsync(IReadOnlyList<int> parts, Func<ShuffledQuery, IReadOnlyList<int>, IAsyncEnumerable<Parcel>> task)
    {
        var all = new List<Parcel>();
        foreach (var mine in parts.Chunk(Math.Max(1, (parts.Count + tasks - 1) / tasks)))
            await foreach (var parcel in task(Query, mine)) all.Add(parcel);
        return all;
    }

    async Task<List<T>> ShuffleAsync<T>(List<Parcel> parcels, Func<ShuffledQuery, IAsyncEnumerable<Parcel>, IAsyncEnumerable<T>> task)
    {
        var all = new List<T>();
        var travelled = parcels.Select(p => Parcel.FromBatch(p.ToBatch()).Single()).ToArray();
        random.Shuffle(travelled);
        foreach (var mine in travelled.GroupBy(p => p.Bucket % tasks).OrderBy(g => g.Key))
            await foreach (var item in task(Query, mine.OrderBy(p => p.Bucket).ThenBy(p => p.Order).ToAsyncEnumerable())) all.Add(item);
        return all;
    }
}
