using BatchMl.Hosting;

namespace Churn.Tests;

/// <summary>The program in this process, over a workspace of its own, and where its tables are.</summary>
public sealed class Shop : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("churn-").FullName;

    /// <summary>A table as it is committed.</summary>
    public static string Table(string name) => Path.Combine(AppContext.BaseDirectory, "data", $"{name}.parquet");

    /// <summary>A path in a folder that goes with this.</summary>
    public string At(string name) => Path.Combine(folder, name);

    /// <summary>Runs a command line; says all that it said.</summary>
    public async Task<(int Code, string Said)> RunAsync(params string[] args)
    {
        var said = new StringWriter();
        var code = await (BatchMlApplication.Create(ChurnJobs.All) with { Out = said, Error = said }).RunAsync([.. args, "--workspace", At("workspace")], TestContext.Current.CancellationToken);
        return (code, said.ToString());
    }

    /// <summary>What is known of customers at instants: the job's features for rows of a query.</summary>
    /// <param name="rows">A SELECT of customer_id, first_order_at and as_of.</param>
    /// <param name="settings">As <c>--set</c> takes them.</param>
    /// <returns>The file of rows and features.</returns>
    public async Task<string> FeaturesAsync(string rows, params string[] settings)
    {
        var (spine, features) = (At($"{Guid.NewGuid():N}.parquet"), At($"{Guid.NewGuid():N}.parquet"));
        Duck.Execute($"COPY ({rows}) TO '{spine}' (FORMAT parquet)");
        var (code, said) = await RunAsync(["features", "churn/score", "--spine", spine, "--out", features, .. settings.SelectMany(s => new[] { "--set", s })]);
        Assert.True(code == 0, said);
        return features;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(folder, recursive: true);
}
