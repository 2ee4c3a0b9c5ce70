using System.Text.RegularExpressions;
using BatchMl.Hosting;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>What the README says is true.</summary>
public sealed partial class ReadmeTests
{
    static string Readme => File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "README.md"));

    [Fact]
    public void The_job_in_the_README_is_the_one_compiled_here()
    {
        var shown = CSharpBlock().Match(Readme).Groups[1].Value;
        var compiled = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "tests", "BatchMl.Jobs.Tests", "ReadmeJob.cs"));
        Assert.EndsWith("// README:\n" + shown, compiled, StringComparison.Ordinal);
        Assert.InRange(shown.Split('\n').Length, 20, 36);
    }

    [Fact]
    public async Task It_runs_on_a_customers_orders()
    {
        using var folder = new TestFolder();
        Duck.Execute($"""
            COPY (SELECT i % 50 AS customer_id, i AS order_id, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_hours(i * 2) AS at, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_hours(i * 2 + 5) AS loaded_at, (i % 17)::DOUBLE AS amount
                  FROM range(1500) t(i)) TO '{folder.At("orders.csv")}' (HEADER);
            COPY (SELECT i % 60 AS customer_id, TIMESTAMPTZ '2024-01-02 00:30:00Z' + to_hours(i * 3) AS at, i % 3 = 0 AS bought FROM range(950) t(i)) TO '{folder.At("visits.parquet")}' (FORMAT parquet);
            """);
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => [NextPurchase.TrainingSet]) with { Out = output, Error = error }).RunAsync(
            ["run", "next-purchase/training-set", "--workspace", folder.At("w"), "--set", $"Sources:orders:Path={folder.At("orders.csv")}", "--set", $"Sources:visits={folder.At("visits.parquet")}"],
            TestContext.Current.CancellationToken);
        Assert.True(code == 0, output.ToString() + error);
        // An order counts from when it was loaded, five hours after it was made.
        Assert.Equal("0", Duck.Ask<string>($"""
            WITH t AS (SELECT row_number() OVER () AS id, * FROM '{folder.At("w")}/datasets/next-purchase/training-set/*/part-*.parquet'),
            x AS (SELECT t.id, count(o.order_id) AS n FROM t LEFT JOIN '{folder.At("orders.csv")}' o ON o.customer_id = t.customer_id AND o.loaded_at <= t.as_of AND o.at > t.as_of - to_days(30) GROUP BY t.id)
            SELECT count(*) FROM t JOIN x USING (id) WHERE t.orders_30d <> x.n
            """));
        Assert.NotEqual("0", Duck.Ask<string>($"SELECT sum(orders_30d) FROM '{folder.At("w")}/datasets/next-purchase/training-set/*/part-*.parquet'"));
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
