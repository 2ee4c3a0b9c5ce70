using BatchMl.Hosting;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>The jobs of <c>BatchMl.SparkJobs</c> on their data, run by this process; and a workspace in which the local engine has run them.</summary>
public sealed class StoreRun : IAsyncLifetime
{
    static readonly string[] pipelines = ["store", "churn"];

    readonly StoreData data = new();
    readonly TestFolder folder = new();

    /// <summary>Both pipelines, made by the local engine.</summary>
    public string Local => folder.At("local");

    public async ValueTask InitializeAsync()
    {
        foreach (var pipeline in pipelines) await RunAsync(Local, pipeline);
    }

    /// <summary>As <see cref="StoreData.Sources"/>.</summary>
    internal IEnumerable<(string Name, string Path, string Day)> Sources => data.Sources;

    /// <summary>Settings that run a job on a Spark.</summary>
    internal static string[] On(LiveSpark spark, params string[] more) => ["--engine", "spark", "--set", $"Spark:Remote={spark.Remote}", "--set", $"Spark:Worker={SparkJobs.Program.Path}", .. more];

    /// <summary>Runs both pipelines in a workspace.</summary>
    /// <returns>What was written.</returns>
    public async Task<string> RunAllAsync(string workspace, params string[] engine)
    {
        var text = "";
        foreach (var pipeline in pipelines) text += await RunAsync(workspace, pipeline, engine);
        return text;
    }

    async Task<string> RunAsync(string workspace, string pipeline, params string[] engine)
    {
        var (code, text) = await TryAsync(workspace, pipeline, engine);
        Assert.True(code == 0, text);
        return text;
    }

    /// <summary>Runs a job in a workspace, over its files unless settings say other sources.</summary>
    /// <returns>Its exit code, and what was written.</returns>
    public async Task<(int Code, string Text)> TryAsync(string workspace, string job, params string[] more)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        string[] files = more.Any(m => m.StartsWith("Sources:", StringComparison.Ordinal)) ? [] : [.. data.Settings];
        var code = await (BatchMlApplication.Create(SparkJobs.Program.Jobs) with { Out = TextWriter.Synchronized(output), Error = TextWriter.Synchronized(error) })
            .RunAsync(["run", job, "--workspace", workspace, .. files, .. more], TestContext.Current.CancellationToken);
        return (code, output.ToString() + error);
    }

    public ValueTask DisposeAsync()
    {
        data.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
