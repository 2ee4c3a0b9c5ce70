namespace BatchMl.Jobs.Tests;

/// <summary>Tests that share one run, one after the other: two cores are busy with one.</summary>
[CollectionDefinition(nameof(FlightDelaysCollection))]
public sealed class FlightDelaysCollection : ICollectionFixture<FlightDelaysRun>;

/// <summary>One uninterrupted run of the main job, shared by the tests that look at it.</summary>
public sealed class FlightDelaysRun : IAsyncLifetime
{
    readonly string folder = Path.Combine(Path.GetTempPath(), $"batchml-tests-{Guid.NewGuid():N}");

    public string Workspace => Path.Combine(folder, "workspace");

    public string Output { get; private set; } = "";

    public int ExitCode { get; private set; }

    public async ValueTask InitializeAsync()
    {
        using var run = await JobsProcess.RunAsync("run", "flight-delays", "--workspace", Workspace);
        (Output, ExitCode) = (run.Output + run.Error, run.ExitCode);
    }

    public ValueTask DisposeAsync()
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
