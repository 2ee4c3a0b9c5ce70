using Apache.Arrow;
using BatchMl.Engine;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

public sealed class PartitionOrderTests
{
    sealed record Ask(long Id, DateTimeOffset At);

    [Fact]
    public async Task Partitions_asked_for_in_any_order_give_all_of_their_rows()
    {
        var query = FeatureQuery.Create(Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).AsOf(a => a.At), null, null);
        Ask[][] files = [.. Enumerable.Range(0, 6).Select(day => new[] { new Ask(10 * day, Days.At(day + 0.25)), new Ask(10 * day + 1, Days.At(day + 0.75)) })];
        using var pinned = await Answer.OpenAsync(query, new Setting(), ("asks", MemorySource.Of("asks", true, files)));
        var partitions = await pinned.PartitionsAsync(null, null, default);
        foreach (var order in new[] { new[] { 0, 1, 2 }, [4, 5, 0, 1], [3, 1], [5, 4, 3, 2, 1, 0] })
        {
            var ids = new List<long>();
            await foreach (var batch in pinned.ComputeAsync([.. order.Select(i => partitions[i])], null, default))
            {
                ids.AddRange(((Int64Array)batch.Batch.Column("id")).Values.ToArray());
                batch.Dispose();
            }
            Assert.Equal(order.Order().SelectMany(i => new long[] { 10 * i, 10 * i + 1 }), ids);
        }
    }
}
