using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.TestSupport;

namespace BatchMl.Core.Tests.Engine;

/// <summary>A partition's digest is of what its rows can see, so that new data makes only those partitions anew that it can change.</summary>
public sealed class InputsDigestTests
{
    sealed record Ask(long Id, string Customer, DateTimeOffset At);

    sealed record Sale(string Customer, DateTimeOffset At, DateTimeOffset Known);

    static readonly Source<Sale> sales = Source.Bind<Sale>("sales").EventTime(s => s.At).AvailableAt(s => s.Known);
    static readonly Sale[] early = [new("a", Days.At(0), Days.At(0)), new("a", Days.At(1), Days.At(1))];

    static async Task<string[]> DigestsAsync(FeatureService? service, Label? label, params Sale[][] files)
    {
        var query = FeatureQuery.Create(Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => a.Customer).AsOf(a => a.At), service, label);
        Ask[][] asks = [.. Enumerable.Range(0, 6).Select(i => new[] { new Ask(i, "a", Days.At(i + 0.5)) })];
        using var pinned = await Answer.OpenAsync(query, new Setting(), ("asks", MemorySource.Of("asks", true, asks)), ("sales", MemorySource.Of("sales", true, files)));
        return [.. (await pinned.PartitionsAsync(null, null, default)).Select(pinned.InputsDigest)];
    }

    static async Task<int[]> ChangedAsync(string[] before, Task<string[]> after)
    {
        var now = await after;
        return [.. Enumerable.Range(0, before.Length).Where(i => before[i] != now[i])];
    }

    static FeatureService Service(FeatureView<Sale> view) => FeatureService.Of("s", 1, view);

    static FeatureView<Sale> ByCustomer => FeatureView.Of(sales, s => s.Customer);

    [Fact]
    public async Task A_later_file_changes_only_the_partitions_that_can_see_it()
    {
        var service = Service(ByCustomer.Window("n", w => w.Count(), days: 1));
        var before = await DigestsAsync(service, null, early);
        Assert.Equal(6, before.Distinct().Count());
        Assert.Equal(before, await DigestsAsync(service, null, early));
        // Happened on day 2, known on day 3: seen by the partitions from day 3 on whose window reaches back to day 2.
        Assert.Equal(new[] { 3 }, await ChangedAsync(before, DigestsAsync(service, null, early, [new Sale("a", Days.At(2.6), Days.At(3.1))])));
        Assert.Empty(await ChangedAsync(before, DigestsAsync(service, null, early, [new Sale("a", Days.At(9), Days.At(9))])));
    }

    [Fact]
    public async Task Latest_values_without_ttl_see_every_earlier_file()
    {
        var service = Service(ByCustomer.Latest(s => s.At, "last"));
        var before = await DigestsAsync(service, null, early);
        Assert.Equal(new[] { 3, 4, 5 }, await ChangedAsync(before, DigestsAsync(service, null, early, [new Sale("a", Days.At(2.6), Days.At(3.1))])));
        var withTtl = Service(ByCustomer.Latest(s => s.At, "last").Ttl(days: 2));
        before = await DigestsAsync(withTtl, null, early);
        Assert.Equal(new[] { 3, 4 }, await ChangedAsync(before, DigestsAsync(withTtl, null, early, [new Sale("a", Days.At(2.6), Days.At(3.1))])));
    }

    [Fact]
    public async Task A_future_label_sees_what_happens_from_as_of_until_it_is_asked()
    {
        var label = Label.Future("n", sales, s => s.Customer, 2, w => w.Count(), latenessDays: 1);
        var before = await DigestsAsync(null, label, early);
        // Asked on days 3.5, 4.5, 5.5, …: the first partition reads the file too, though its horizon ends before.
        Assert.Equal(new[] { 0, 1, 2 }, await ChangedAsync(before, DigestsAsync(null, label, early, [new Sale("a", Days.At(3.4), Days.At(3.4))])));
    }

    [Fact]
    public async Task A_file_of_another_content_changes_the_partitions_that_see_it()
    {
        var service = Service(ByCustomer.Window("n", w => w.Count(), days: 1));
        var before = await DigestsAsync(service, null, early);
        Sale[] changed = [early[0] with { Customer = "b" }, early[1]];
        Assert.Equal(new[] { 0, 1 }, await ChangedAsync(before, DigestsAsync(service, null, changed)));
    }
}
