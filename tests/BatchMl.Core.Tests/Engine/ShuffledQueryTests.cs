using BatchMl.Engine;
using BatchMl.Engine.Shuffle;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

public sealed class ShuffledQueryTests
{
    sealed record Ask(long Id, string Customer, DateTimeOffset At);

    sealed record Plan(string Customer, DateTimeOffset From, DateTimeOffset? To, string Name);

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task Overlapping_validity_is_an_error_in_tasks_too_though_nobody_asks_for_its_key(int buckets)
    {
        var plans = Source.Bind<Plan>("plans").Valid(p => p.From, p => p.To);
        var query = FeatureQuery.Create(
            Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => a.Customer).AsOf(a => a.At), FeatureService.Of("s", 1, FeatureView.Of(plans, p => p.Customer).Latest(p => p.Name, "plan")), null);
        using var pinned = await Answer.OpenAsync(
            query, new Setting(), ("asks", MemorySource.Of("asks", true, [new Ask(0, "asked", Days.At(5))])),
            ("plans", MemorySource.Of("plans", true, [new Plan("asked", Days.At(1), null, "free"), new Plan("other", Days.At(1), Days.At(4), "free"), new Plan("other", Days.At(2), Days.At(3), "paid")])));
        var partitions = await pinned.PartitionsAsync(null, null, default);
        var local = await Assert.ThrowsAsync<DataException>(async () =>
        {
            await foreach (var batch in pinned.ComputeAsync(partitions, null, default)) batch.Dispose();
        });
        var shuffled = await Assert.ThrowsAsync<DataException>(() => new ShuffledAnswer(pinned, partitions, new ShuffleLayout(buckets, ByPartition: false, []), tasks: 2, new Random(1)).ComputeAsync());
        Assert.Equal(local.Message, shuffled.Message);
    }
}
