using System.Runtime.InteropServices;

namespace Churn.Tests;

/// <summary>From orders to scored weeks, for one customer in twenty.</summary>
public sealed class PipelineTests : IDisposable
{
    readonly Shop shop = new();

    string Fewer()
    {
        var path = shop.At("customers.parquet");
        Duck.Execute($"COPY (FROM '{Shop.Table("customers")}' WHERE customer_id % 20 = 7 ORDER BY customer_id) TO '{path}' (FORMAT parquet)");
        return $"Sources:customers:Path={path}";
    }

    // Orders as they were on the Monday before the last, and what was loaded in the week after it.
    void Load(string file, string when) => Duck.Execute($"COPY (FROM '{Shop.Table("orders")}' WHERE loaded_at {when} TIMESTAMPTZ '1998-06-22 02:00' ORDER BY loaded_at, order_id) TO '{Path.Combine(shop.At("orders"), file)}' (FORMAT parquet)");

    [Fact]
    public async Task Labels_are_what_SQL_says_weeks_are_scored_once_and_monitored_and_a_new_week_costs_one_week()
    {
        Assert.SkipUnless(!OperatingSystem.IsLinux() || NativeLibrary.TryLoad("libgomp.so.1", out _), "LightGBM needs the OpenMP runtime: apt-get install libgomp1.");
        Directory.CreateDirectory(shop.At("orders"));
        Load("until-june.parquet", "<=");
        string[] settings = ["--set", Fewer(), "--set", $"Sources:orders:Path={shop.At("orders")}/*.parquet"];
        var (code, said) = await shop.RunAsync(["run", "churn", .. settings, "--to", "1998-06-23"]);
        Assert.True(code == 0, said);
        Assert.Contains("churn/score: 8 made", said, StringComparison.Ordinal);

        var rows = $"'{shop.At("workspace")}/datasets/churn/training-set/*/*.parquet'";
        Assert.InRange(Duck.Number($"SELECT count(*) FROM {rows}"), 30_000, 60_000);
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM {rows} e FULL JOIN ({Oracle.Label(rows)}) o USING (customer_id, as_of) WHERE e.churned IS DISTINCT FROM o.churned"));
        // Nothing is trained on whose label was not known by then.
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM {rows} WHERE split = 'train' AND as_of + INTERVAL 1512 HOUR >= TIMESTAMPTZ '1997-12-01'"));

        Load("last-week.parquet", ">");
        (code, said) = await shop.RunAsync(["run", "churn/score", .. settings]);
        Assert.True(code == 0, said);
        Assert.Contains("churn/score: 1 made, 8 up to date", said, StringComparison.Ordinal);

        var scores = $"'{shop.At("workspace")}/datasets/churn/score/*/part-*.parquet'";
        var customers = $"{Duck.Number($"SELECT count(*) FROM '{shop.At("customers.parquet")}'")}";
        Assert.Equal(["9", "9", customers, customers], Duck.Rows($"SELECT count(*), count(*) FILTER (n = d), min(n), max(n) FROM (SELECT as_of, count(*) AS n, count(DISTINCT customer_id) AS d FROM {scores} GROUP BY 1)")[0]);
        Assert.InRange(Duck.Number($"SELECT count(DISTINCT score) FROM {scores}"), 20, double.MaxValue);
        Assert.True(File.Exists(Path.Combine(shop.At("workspace"), "reports", "churn", "monitor.html")), "There is no report.");

        (code, said) = await shop.RunAsync(["run", "churn/score", .. settings]);
        Assert.True(code == 0, said);
        Assert.Contains("churn/score: 0 made, 9 up to date", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schedules_are_right()
    {
        var said = new StringWriter();
        var folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "schedules"))) folder = Path.GetDirectoryName(folder)!;
        var application = BatchMl.Server.ServerVerbs.WithServer(BatchMl.Hosting.BatchMlApplication.Create(ChurnJobs.All)) with { Out = said, Error = said };
        Assert.True(await application.RunAsync(["schedules", "check", "--schedules", Path.Combine(folder, "schedules"), "--now", "1998-06-27T00:00:00Z"], TestContext.Current.CancellationToken) == 0, said.ToString());
        Assert.Contains("1998-06-29T03:00:00+00:00", said.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => shop.Dispose();
}
