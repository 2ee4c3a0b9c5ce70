using System.Globalization;
using System.Runtime.InteropServices;
using BatchMl.Hosting;
using BatchMl.Runs;
using BatchMl.Testing;

namespace MyTeamNamespace.Jobs.Tests;

public sealed class NextPurchaseTests : IDisposable
{
    readonly string workspace = Directory.CreateTempSubdirectory("next-purchase-").FullName;

    public void Dispose() => Directory.Delete(workspace, recursive: true);

    [Fact]
    public void An_order_counts_from_when_it_was_loaded()
    {
        var customer = FeatureTest.Of(NextPurchase.Jobs.OfType<PipelineJob>().Single().Steps[0])
            .Given(new Order(CustomerId: 7, OrderId: 1, At: Instant("2024-03-10T12:00:00Z"), LoadedAt: Instant("2024-03-11T03:00:00Z"), Amount: 20));
        customer.At("2024-03-11T02:59:59Z", 7L).Expect("orders_30d", 0L).Expect("last_amount", null).Expect("is_new", true);
        customer.At("2024-03-11T03:00:00Z", 7L).Expect("orders_30d", 1L).Expect("last_amount", 20.0).Expect("is_new", false);
        customer.ExpectNoLeaks();
    }

    [Fact]
    public async Task A_visit_sees_the_orders_that_were_loaded_before_it_and_no_other()
    {
        await RunAsync("run", "next-purchase/training-set");
        var visits = await QueryAsync("SELECT customer_id, epoch_us(as_of), orders_30d FROM \"next-purchase/training-set\"");
        Assert.NotEmpty(visits);

        // The same, counted one by one.
        var orders = Csv("orders.csv").Select(o => (Customer: o[0], At: Instant(o[2]), Loaded: Instant(o[3]))).ToLookup(o => o.Customer);
        Assert.All(visits, v =>
        {
            var at = DateTimeOffset.UnixEpoch.AddMicroseconds(long.Parse(v[1], CultureInfo.InvariantCulture));
            Assert.Equal(orders[v[0]].Count(o => o.Loaded <= at && o.At > at.AddDays(-30)), int.Parse(v[2], CultureInfo.InvariantCulture));
        });
    }

    [Fact]
    public async Task Every_visit_from_May_on_gets_a_score()
    {
        Assert.SkipUnless(!OperatingSystem.IsLinux() || NativeLibrary.TryLoad("libgomp.so.1", out _), "LightGBM needs the OpenMP runtime: apt-get install libgomp1.");
        await RunAsync("run", "next-purchase");
        var scores = await QueryAsync("SELECT score FROM \"next-purchase/score\"");
        Assert.Equal(Csv("visits.csv").Count(v => Instant(v[1]) >= new DateTimeOffset(2024, 5, 1, 0, 0, 0, TimeSpan.Zero)), scores.Count);
        Assert.All(scores, s => Assert.InRange(double.Parse(s[0], CultureInfo.InvariantCulture), 0, 1));
        // A model that learned something tells visitors apart.
        Assert.True(scores.Select(s => s[0]).Distinct().Count() > 10);
    }

    async Task<string> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => NextPurchase.Jobs) with { Out = output, Error = error })
            .RunAsync([.. args, "--workspace", workspace], TestContext.Current.CancellationToken);
        Assert.True(code == 0, error.ToString());
        return output.ToString();
    }

    async Task<List<string[]>> QueryAsync(string sql) => Rows(await RunAsync("query", sql, "--csv"));

    static List<string[]> Csv(string name) => Rows(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", name)));

    static List<string[]> Rows(string csv) => [.. csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(','))];

    static DateTimeOffset Instant(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
