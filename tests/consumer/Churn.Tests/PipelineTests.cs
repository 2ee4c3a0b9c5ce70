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

    [Fact]
    public async Task Labels_are_what_SQL_says_and_weeks_are_scored_once_and_monitored()
    {
        var fewer = Fewer();
        var (code, said) = await shop.RunAsync("run", "churn", "--set", fewer);
        Assert.True(code == 0, said);

        var rows = $"'{shop.At("workspace")}/datasets/churn/training-set/*/*.parquet'";
        Assert.InRange(Duck.Number($"SELECT count(*) FROM {rows}"), 30_000, 60_000);
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM {rows} e FULL JOIN ({Oracle.Label(rows)}) o USING (customer_id, as_of) WHERE e.churned IS DISTINCT FROM o.churned"));
        // Nothing is trained on whose label was not known by then.
        Assert.Equal(0, Duck.Number($"SELECT count(*) FROM {rows} WHERE split = 'train' AND as_of + INTERVAL 1512 HOUR >= TIMESTAMPTZ '1997-12-01'"));

        var scores = $"'{shop.At("workspace")}/datasets/churn/score/*/part-*.parquet'";
        var customers = Duck.Number($"SELECT count(*) FROM '{shop.At("customers.parquet")}'");
        Assert.Equal(["9", "9", $"{customers}", $"{customers}"], Duck.Rows($"SELECT count(*), count(*) FILTER (n = d), min(n), max(n) FROM (SELECT as_of, count(*) AS n, count(DISTINCT customer_id) AS d FROM {scores} GROUP BY 1)")[0]);
        Assert.True(Duck.Number($"SELECT count(DISTINCT score) FROM {scores}") > 100);
        Assert.True(File.Exists(Path.Combine(shop.At("workspace"), "reports", "churn", "monitor.html")));

        var again = await shop.RunAsync("run", "churn", "--set", fewer);
        Assert.True(again.Code == 0, again.Said);
        Assert.DoesNotContain(" 9 partitions to make", again.Said, StringComparison.Ordinal);
        Assert.Equal(9, Directory.GetFiles(Path.Combine(shop.At("workspace"), "datasets", "churn", "score"), "part-*.parquet", SearchOption.AllDirectories).Length);
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
