using System.Text.Json;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting.Output;
using BatchMl.TestSupport;

namespace BatchMl.Hosting.Tests;

/// <summary>A row explained by the engine, as a person and as a program read it.</summary>
public sealed class ExplanationTests
{
    sealed record Ask(string Customer, DateTimeOffset At, DateOnly Day);

    sealed record Order(long Id, string Customer, DateTimeOffset At, DateTimeOffset? Loaded, double Amount, bool Gone = false);

    sealed record Plan(string Customer, string Name, DateTimeOffset Since, DateTimeOffset? Until, DateTimeOffset? Closed, DateTimeOffset Written);

    static readonly Source<Order> orders = Source.Bind<Order>("orders").EventTime(o => o.At).AvailableAt(o => o.Loaded).TieBreak(o => o.Id).Fact(o => o.Id, deleted: o => o.Gone);
    static readonly Source<Plan> plans = Source.Bind<Plan>("plans").Valid(p => p.Since, p => p.Until, closedKnownAt: p => p.Closed).AvailableAt(p => p.Written);
    static readonly FeatureView<Order> buying = FeatureView.Of(orders, o => o.Customer).Window("orders_7d", w => w.Count(), days: 7).Window("amount_14d", w => w.Sum(o => o.Amount), days: 14);
    static readonly FeatureView<Plan> plan = FeatureView.Of(plans, p => p.Customer).Latest(p => p.Name, "plan");

    static DateTimeOffset May(double day) => new DateTimeOffset(2024, 5, 1, 0, 0, 0, TimeSpan.Zero).AddDays(day - 1);

    static readonly Order[] orderRows =
    [
        new(1, "ann", May(18), May(19), 10), new(1, "ann", May(18), May(21.25), 12),
        new(2, "ann", May(17), May(17), 20), new(2, "ann", May(17), May(18), 25),
        new(3, "ann", May(16), May(16), 30), new(3, "ann", May(16), May(17.5), 30, Gone: true),
        new(4, "ann", May(19), May(22), 40), new(5, "ann", May(10), May(11), 50), new(6, "ann", May(1), May(2), 60),
        new(7, "ann", May(15), May(15), 70), new(7, "bob", May(15), May(16), 70),
        new(8, "ann", May(14), null, 80), new(9, "ann", May(25), May(25), 90), new(10, "bob", May(19), May(19), 100),
    ];

    static readonly Plan[] planRows =
    [
        new("ann", "trial", May(1), May(5), May(6), May(1)), new("ann", "basic", May(5), May(15), May(21), May(5)),
        new("ann", "club", May(15), May(30), May(31), May(22)), new("ann", "gold", May(30), null, null, May(3)),
    ];

    static async Task<Explanation> ExplainAsync()
    {
        var asks = Spine.From(Source.Bind<Ask>("asks")).Key(a => a.Customer).AsOf(a => a.At).PartitionBy("day", a => a.Day);
        var query = FeatureQuery.Create(asks, FeatureService.Of("s", 1, buying, plan), null);
        IBatchSource Table(string name) => name switch
        {
            "asks" => MemorySource.Of<Ask>("asks", true, [new Ask("ann", May(20), new DateOnly(2024, 5, 20))]),
            "orders" => MemorySource.Of<Order>("orders", true, orderRows),
            _ => MemorySource.Of<Plan>("plans", true, planRows),
        };
        using var pinned = await new LocalEngine(null).OpenAsync(query, Table, new FeatureOptions(May(31), long.MaxValue, 1, 1_000), default);
        var explained = await pinned.ExplainAsync(new Dictionary<string, string> { ["customer"] = "ann" }, May(20), default);
        // A fact that moved to another key is not counted, as the engine computes it.
        var partitions = await pinned.PartitionsAsync(null, null, default);
        await foreach (var batch in pinned.ComputeAsync(partitions, null, default))
        {
            using (batch)
            {
                foreach (var feature in explained.Single().Views.SelectMany(v => v.Features))
                    Assert.Equal(FormattableString.Invariant($"{Columns.ValueAt(batch.Batch.Column(feature.Name), 0)}"), feature.Value);
            }
        }
        return explained.Single();
    }

    [Fact]
    public async Task Each_reason_is_said_with_the_instants_and_the_version_that_make_it_so()
    {
        const string expected = """
            customer=ann, as_of=2024-05-20T00:00:00Z, day=2024-05-20

            orders by customer=ann
              orders_7d = 2    Count() over (T-7d, T], from (2024-05-13T00:00:00Z, 2024-05-20T00:00:00Z]; made of 2 rows
              amount_14d = 85    Sum(amount) over (T-14d, T], from (2024-05-06T00:00:00Z, 2024-05-20T00:00:00Z]; made of 3 rows
              counted: 3
                happened 2024-05-18 00:00:00Z, known 2024-05-19 00:00:00Z (1 d later), amount=10  (000.mem row 0)
                  superseded later by: happened 2024-05-18 00:00:00Z, known 2024-05-21 06:00:00Z (3 d 6 h later), amount=12  (000.mem row 1)
                happened 2024-05-17 00:00:00Z, known 2024-05-18 00:00:00Z (1 d later), amount=25  (000.mem row 3)
                happened 2024-05-10 00:00:00Z, known 2024-05-11 00:00:00Z (1 d later), amount=50  (000.mem row 7)
                  not in orders_7d (too old)
              did not count, late: happened by as_of, known only after it: 2
                happened 2024-05-19 00:00:00Z, known 2024-05-22 00:00:00Z (3 d later), amount=40  (000.mem row 6)
                happened 2024-05-18 00:00:00Z, known 2024-05-21 06:00:00Z (3 d 6 h later), amount=12  (000.mem row 1)
                  in force until then: happened 2024-05-18 00:00:00Z, known 2024-05-19 00:00:00Z (1 d later), amount=10  (000.mem row 0)
              did not count, superseded: a later version of the fact was known: 2
                happened 2024-05-17 00:00:00Z, known 2024-05-17 00:00:00Z, amount=20  (000.mem row 2)
                  by: happened 2024-05-17 00:00:00Z, known 2024-05-18 00:00:00Z (1 d later), amount=25  (000.mem row 3)
                happened 2024-05-15 00:00:00Z, known 2024-05-15 00:00:00Z, amount=70  (000.mem row 9)
                  by: happened 2024-05-15 00:00:00Z, known 2024-05-16 00:00:00Z (1 d later), of key bob, amount=70  (000.mem row 10)
              did not count, deleted: a version that deletes the fact was known: 2
                happened 2024-05-16 00:00:00Z, known 2024-05-16 00:00:00Z, amount=30  (000.mem row 4)
                  by: happened 2024-05-16 00:00:00Z, known 2024-05-17 12:00:00Z (1 d 12 h later), deletes the fact  (000.mem row 5)
                happened 2024-05-16 00:00:00Z, known 2024-05-17 12:00:00Z (1 d 12 h later), deletes its fact, amount=30  (000.mem row 5)
              did not count, never known: 1
                happened 2024-05-14 00:00:00Z, known never, amount=80  (000.mem row 11)
              did not count, too old: before anything that features reach back to: 1
                happened 2024-05-01 00:00:00Z, known 2024-05-02 00:00:00Z (1 d later), amount=60  (000.mem row 8)
              did not count, not happened yet at as_of: 1
                happened 2024-05-25 00:00:00Z, known 2024-05-25 00:00:00Z, amount=90  (000.mem row 12)

            plans by customer=ann
              plan = basic    latest name; made of 1 row
              counted: 1
                happened 2024-05-05 00:00:00Z, known 2024-05-05 00:00:00Z, name=basic  (000.mem row 1)
                  valid from 2024-05-05 00:00:00Z to 2024-05-15 00:00:00Z, closing known 2024-05-21 00:00:00Z, after as_of: still open then
              did not count, late: happened by as_of, known only after it: 1
                happened 2024-05-15 00:00:00Z, known 2024-05-22 00:00:00Z (7 d later), name=club  (000.mem row 2)
              did not count, closed: validity was over, and that was known: 1
                happened 2024-05-01 00:00:00Z, known 2024-05-01 00:00:00Z, name=trial  (000.mem row 0)
                  valid from 2024-05-01 00:00:00Z to 2024-05-05 00:00:00Z, closing known 2024-05-06 00:00:00Z
              did not count, not begun: validity begins after as_of: 1
                happened 2024-05-30 00:00:00Z, known 2024-05-30 00:00:00Z, name=gold  (000.mem row 3)
                  valid only from 2024-05-30 00:00:00Z
            """;
        var text = new StringWriter { NewLine = "\n" };
        ExplanationPrinter.Print(text, (await ExplainAsync()).Nearest(5));
        Assert.Equal(expected.ReplaceLineEndings("\n"), text.ToString().TrimEnd());
    }

    [Fact]
    public async Task As_json_there_are_at_most_so_many_rows_of_a_reason_and_the_count_of_all()
    {
        var json = JsonSerializer.SerializeToElement((await ExplainAsync()).Nearest(1), JsonText.Indented).GetProperty("views")[0];
        Assert.Equal("""{"counted":3,"late":2,"superseded":2,"deleted":2,"never_known":1,"too_old":1,"not_happened":1}""", json.GetProperty("counts").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(1, json.GetProperty("counted").GetArrayLength());
        Assert.Equal(["late", "superseded", "deleted", "never_known", "too_old", "not_happened"], json.GetProperty("not_counted").EnumerateArray().Select(e => e.GetProperty("fate").GetString()));
        var sum = json.GetProperty("features")[1];
        Assert.Equal((3, 1, "(2024-05-06T00:00:00Z, 2024-05-20T00:00:00Z]"), (sum.GetProperty("row_count").GetInt32(), sum.GetProperty("rows").GetArrayLength(), sum.GetProperty("reach").GetString()));
        var replaced = json.GetProperty("not_counted")[1];
        Assert.Equal("2024-05-18T00:00:00+00:00", replaced.GetProperty("other").GetProperty("effective_at").GetString());
        Assert.True(json.GetProperty("not_counted")[2].GetProperty("deletes").GetBoolean() != json.GetProperty("not_counted")[2].TryGetProperty("other", out _));
    }
}
