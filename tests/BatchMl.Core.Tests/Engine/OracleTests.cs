using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Kernel;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Core.Tests.Engine;

/// <summary>The engine against a nested loop over whole tables, whatever the files, batches, partitions and memory.</summary>
public sealed class OracleTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    sealed record Ask(long Id, string? Customer, DateTimeOffset At);

    sealed record Sale(string? Customer, long Fact, DateTimeOffset? At, DateTimeOffset? Known, bool Deleted, long Seq, double? Amount, long? Items, string? Text, bool? Flag);

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, false, true)]
    public async Task Values_equal_the_oracle_however_they_are_computed(bool facts, bool ttl, bool ignoresAvailability)
    {
        for (var seed = 0; seed < 4; seed++)
        {
            var random = new Random(seed);
            var sales = Sales(random);
            Ask[] asks = [.. Enumerable.Range(0, 25).Select(i => new Ask(i, random.Next(12) == 0 ? null : $"c{random.Next(5)}", Days.At(random.Next(24) / 2.0)))];
            // Half of the time no deletion is of a fact that nobody knows, and none is allowed.
            var allowed = seed % 2 == 1;
            if (!allowed) sales = WithKnownDeletes(sales, DateTimeOffset.MaxValue);
            var expected = Expected(sales, asks, facts, ttl, ignoresAvailability, allowed);
            foreach (var setting in Settings())
            {
                foreach (var (parts, statistics) in new[] { (1, false), (5, true), (5, false), (9, true) })
                {
                    var ordered = seed < 2 ? [.. sales.OrderBy(s => s.At)] : sales;
                    var answer = await Answer.OfAsync(
                        Query(facts, ttl, ignoresAvailability, allowed), setting,
                        ("asks", MemorySource.Of("asks", statistics, Split(asks, parts))), ("sales", MemorySource.Of("sales", statistics, Split(ordered, parts))));
                    Assert.Empty(answer.Errors);
                    var byId = answer.Rows.OrderBy(r => (long)r["id"]!).ToArray();
                    Assert.Equal(asks.Length, byId.Length);
                    foreach (var (name, column) in expected)
                    {
                        for (var i = 0; i < byId.Length; i++)
                            Assert.True(Cells.Identical(column[i], byId[i][name]), $"seed {seed}, {setting}, {parts} parts: {name} of row {i} is {byId[i][name] ?? "null"}, expected {column[i] ?? "null"}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deletions_of_unknown_facts_are_refused_where_the_oracle_refuses_them_however_they_are_computed(bool ignoresAvailability)
    {
        var met = new int[2];
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            // As of an early day, so that what is known and what happens later is on both sides of it.
            var sales = Sales(random).Take(random.Next(5, 46)).Select(s => random.Next(3) == 0 ? s with { At = s.At?.AddDays(random.Next(40)) } : s).ToArray();
            if (random.Next(3) == 0) sales = WithKnownDeletes(sales, Days.At(random.Next(12)));
            Ask[] asks = [.. Enumerable.Range(0, 4).Select(i => new Ask(i, $"c{random.Next(5)}", Days.At(random.Next(8) / 2.0)))];
            var refused = false;
            try
            {
                Expected(sales, asks, facts: true, ttl: false, ignoresAvailability, unknownDeletesAllowed: false);
            }
            catch (DataException)
            {
                refused = true;
            }
            met[refused ? 1 : 0]++;
            foreach (var (parts, statistics) in new[] { (1, false), (5, true), (9, true), (9, false) })
            {
                Sale[] ordered = (seed % 3) switch { 0 => [.. sales.OrderBy(s => s.At)], 1 => [.. sales.OrderBy(s => s.Known)], _ => sales };
                var said = await Answer.RefusalsAsync(
                    Query(true, false, ignoresAvailability, unknownDeletesAllowed: false), new Setting { PartitionsAtOnce = random.Next(1, 3) },
                    ("asks", MemorySource.Of("asks", statistics, Split(asks, 2))), ("sales", MemorySource.Of("sales", statistics, Split(ordered, parts))));
                Assert.True(said.All(s => s is not null == refused), $"seed {seed}, {parts} parts, statistics {statistics}: refused {refused}, but {string.Join(" and ", said.Select(s => s ?? "not"))}");
            }
        }
        Assert.All(met, m => Assert.InRange(m, 8, 52));
    }

    // Nothing that is known by then is deleted by the first version of its fact.
    static Sale[] WithKnownDeletes(Sale[] sales, DateTimeOffset until) =>
        [.. sales.Select(s => s with { Deleted = s.Deleted && (s.Known > until || sales.Any(o => o.Fact == s.Fact && o.At is not null && o.Known < s.Known)) })];

    [Fact]
    public async Task Fragments_that_no_row_can_see_are_not_read()
    {
        var sales = Enumerable.Range(0, 40).Select(i => NewSale("c1", Days.At(i), i)).ToArray();
        var source = MemorySource.Of("sales", statistics: true, Split(sales, 10));
        var query = FeatureQuery.Create(
            Asks(), FeatureService.Of("s", 1, FeatureView.Of(Declared(false, false), s => s.Customer).Window("n", w => w.Count(), days: 3)), null);
        var answer = await Answer.OfAsync(query, new Setting(), ("asks", MemorySource.Of("asks", true, [new Ask(0, "c1", Days.At(21))])), ("sales", source));
        Assert.Equal([3L], answer.Column("n"));
        // Four rows in each: 18 to 21 lie in the fourth and fifth, and 20 is the first of the sixth.
        // By each way of computing.
        Assert.Equal([4, 5], source.Read.Distinct());
    }

    static Sale NewSale(string customer, DateTimeOffset at, long seq) => new(customer, seq, at, at, false, seq, seq, seq, "t", true);

    IEnumerable<Setting> Settings() =>
    [
        new Setting(),
        new Setting { BatchSize = 2, PartitionsAtOnce = 1 },
        new Setting { Threads = 4, PartitionsAtOnce = 3, Spill = FileSpill.Factory(folder.Path, 1) },
        new Setting { BatchSize = 1, Spill = FileSpill.Factory(folder.Path, 1) },
    ];

    static Sale[] Sales(Random random) => [.. Enumerable.Range(0, 45).Select(i =>
    {
        var at = Days.At(random.Next(24) / 2.0);
        T? Maybe<T>(T value) where T : struct => random.Next(6) == 0 ? null : value;
        return new Sale(
            random.Next(12) == 0 ? null : $"c{random.Next(4)}", random.Next(12), Maybe(at),
            // No two rows are known at the same time, so that versions have an order.
            at.AddDays(random.Next(5)).AddMinutes(i - 20), random.Next(6) == 0, i, Maybe(random.Next(-40, 40) / 8.0), Maybe((long)random.Next(-3, 4)),
            random.Next(4) == 0 ? null : $"t{random.Next(4)}", Maybe(random.Next(2) == 0));
    })];

    static Source<Sale> Declared(bool facts, bool ignoresAvailability, bool unknownDeletesAllowed = false)
    {
        var source = Source.Bind<Sale>("sales").EventTime(s => s.At).AvailableAt(s => s.Known).TieBreak(s => s.Seq);
        if (facts) source = source.Fact(s => s.Fact, s => s.Deleted);
        if (facts && unknownDeletesAllowed) source = source.AllowUnknownDeletes();
        return ignoresAvailability ? source.AsOfEventTime() : source;
    }

    static Spine<Ask> Asks() => Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Id).Select(a => a.Customer).AsOf(a => a.At);

    static FeatureQuery Query(bool facts, bool ttl, bool ignoresAvailability, bool unknownDeletesAllowed)
    {
        var source = Declared(facts, ignoresAvailability, unknownDeletesAllowed);
        var latest = FeatureView.Of(source, s => s.Customer).Latest(s => s.Amount, "latest").LatestNonNull(s => s.Text, "text");
        var windows = FeatureView.Of(source, s => s.Customer)
            .Window("n", w => w.Count(), days: 3).Window("items", w => w.Sum(s => s.Items), days: 3).Window("mean", w => w.Mean(s => s.Amount), days: 3)
            .Window("share", w => w.Share(s => s.Flag), days: 5, endsHoursBefore: 12, convention: WindowConvention.Closed)
            .Window("known", w => w.Count(), days: 2, axis: WindowAxis.EffectiveAt);
        return FeatureQuery.Create(Asks(), FeatureService.Of("s", 1, ttl ? latest.Ttl(days: 2) : latest, windows), null);
    }

    static Dictionary<string, object?[]> Expected(Sale[] sales, Ask[] asks, bool facts, bool ttl, bool ignoresAvailability, bool unknownDeletesAllowed)
    {
        object?[] Column<T>(Func<Sale, T> cell) => [.. sales.Select(s => (object?)cell(s))];
        var events = new EventTable
        {
            Rows = sales.Length,
            Keys = [Cells.Build(ColumnType.String, Column(s => s.Customer))],
            EventTime = Cells.Timestamps(Column(s => s.At?.ToUnixMicroseconds())),
            AvailableAt = Cells.Timestamps(Column(s => s.Known?.ToUnixMicroseconds())),
            TieBreak = [Cells.Build(ColumnType.Int64, Column(s => s.Seq))],
            Fact = facts ? [Cells.Build(ColumnType.Int64, Column(s => s.Fact))] : [],
            Deleted = facts ? (Apache.Arrow.BooleanArray)Cells.Build(ColumnType.Boolean, Column(s => s.Deleted)) : null,
            Values =
            [
                Cells.Build(ColumnType.Double, Column(s => s.Amount)), Cells.Build(ColumnType.String, Column(s => s.Text)),
                Cells.Build(ColumnType.Int64, Column(s => s.Items)), Cells.Build(ColumnType.Boolean, Column(s => s.Flag)),
            ],
        };
        var day = Days.At(1).ToUnixMicroseconds() - Days.Zero.ToUnixMicroseconds();
        var spine = new SpineTable([Cells.Build(ColumnType.String, [.. asks.Select(a => a.Customer)])], Cells.Timestamps([.. asks.Select(a => (object?)a.At.ToUnixMicroseconds())]));
        var columns = NestedLoopOracle.Compute(events, spine, new AsOfQuery
        {
            Latest = [new(0, NonNull: false), new(1, NonNull: true)],
            Ttl = ttl ? 2 * day : null,
            Windows =
            [
                new(new WindowSpec(3 * day), [new(AggregateKind.Count, -1), new(AggregateKind.Sum, 2), new(AggregateKind.Mean, 0)]),
                new(new WindowSpec(5 * day, day / 2, WindowConvention.Closed), [new(AggregateKind.Share, 3)]),
                new(new WindowSpec(2 * day, Axis: WindowAxis.EffectiveAt), [new(AggregateKind.Count, -1)]),
            ],
            UnknownDeletesAllowed = unknownDeletesAllowed,
            IgnoreAvailability = ignoresAvailability,
        });
        string[] names = ["latest", "text", "n", "items", "mean", "share", "known"];
        return names.Zip(columns).ToDictionary(c => c.First, c => Enumerable.Range(0, asks.Length).Select(i => Cells.At(c.Second, i)).ToArray());
    }

    static T[][] Split<T>(IReadOnlyList<T> rows, int parts) => [.. Enumerable.Range(0, parts).Select(p => rows.Skip(rows.Count * p / parts).Take(rows.Count * (p + 1) / parts - rows.Count * p / parts).ToArray())];
}
