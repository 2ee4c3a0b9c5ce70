using BatchMl.Hosting;
using BatchMl.Jobs;
using BatchMl.Training;

namespace BatchMl.Testing.Tests;

public sealed class GoldenTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("golden-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Text_that_differs_is_shown_line_by_line()
    {
        var file = Path.Combine(folder, "kept.txt");
        File.WriteAllText(file, "one\r\ntwo\r\nthree\r\n");
        GoldenText.Check("one\ntwo\nthree", file);
        var message = FeatureTestTests.Failure(() => GoldenText.Check("one\n2\nthree\n", file));
        Assert.Contains("  one\n- two\n+ 2\n  three".ReplaceLineEndings(), message, StringComparison.Ordinal);
        Assert.Contains(GoldenText.Bless, message, StringComparison.Ordinal);
        Assert.Contains("There is no file", FeatureTestTests.Failure(() => GoldenText.Check("one", Path.Combine(folder, "none.txt"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_and_output_are_the_same_in_every_folder()
    {
        var files = Path.Combine(folder, "here");
        var plan = Path.Combine(folder, "plan.txt");
        var output = Path.Combine(folder, "output.csv");
        var application = Program(files);
        var missing = await Assert.ThrowsAsync<TestFailedException>(() => GoldenPlan.CheckAsync(application, "shop/training-set", plan, TestContext.Current.CancellationToken));
        Assert.DoesNotContain(folder, missing.Message.Replace(plan, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("orders_30d", missing.Message, StringComparison.Ordinal);

        var workspace = Path.Combine(folder, "workspace");
        var said = new StringWriter();
        var code = await (application with { Out = said, Error = said }).RunAsync(["run", "shop/training-set", "--workspace", workspace], TestContext.Current.CancellationToken);
        Assert.True(code == 0, said.ToString());
        const string Sql = "SELECT customer_id, orders_30d, bought FROM \"shop/training-set\" ORDER BY ALL";
        await File.WriteAllTextAsync(output, "customer_id,orders_30d,bought\n7,1,true\n8,0,false\n9,0,true\n10,0,false\n", TestContext.Current.CancellationToken);
        await GoldenOutput.CheckAsync(application, workspace, Sql, output, TestContext.Current.CancellationToken);
        var wrong = await Assert.ThrowsAsync<TestFailedException>(() => GoldenOutput.CheckAsync(application, workspace, Sql.Replace("ORDER", "WHERE customer_id = 7 ORDER", StringComparison.Ordinal), output, TestContext.Current.CancellationToken));
        Assert.Contains("- 8,0,false", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("no job 'shop'", (await Assert.ThrowsAsync<TestFailedException>(() => GoldenPlan.CheckAsync(application, "shop", plan, TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
    }

    static BatchMlApplication Program(string files)
    {
        Directory.CreateDirectory(files);
        File.WriteAllText(Path.Combine(files, "orders.csv"), "order_id,customer_id,at,loaded_at,amount,is_deleted\n1,7,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,10.5,false\n");
        File.WriteAllText(Path.Combine(files, "visits.csv"), "customer_id,at,bought\n7,2024-01-03T00:00:00Z,true\n8,2024-01-04T00:00:00Z,false\n9,2024-01-06T00:00:00Z,true\n10,2024-01-08T00:00:00Z,false\n");
        File.WriteAllText(Path.Combine(files, "appsettings.json"), """{ "Sources": { "orders": { "Path": "orders.csv" }, "visits": { "Path": "visits.csv" } } }""");
        var split = new TimeSplit(new DateOnly(2024, 1, 6), new DateOnly(2024, 1, 8), new DateOnly(2024, 1, 10), "UTC");
        return BatchMlApplication.Create(() => [new TrainingSetJob("shop/training-set", "Visits and whether they bought.", Shop.Visits, FeatureService.Of("buying", 1, Shop.Buying), Shop.Bought, split)]) with { ConfigurationFolder = files };
    }
}
