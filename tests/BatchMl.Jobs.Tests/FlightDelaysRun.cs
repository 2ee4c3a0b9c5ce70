namespace BatchMl.Jobs.Tests;

/// <summary>Tests that share one run, one after the other: two cores are busy with one.</summary>
[CollectionDefinition(nameof(FlightDelaysCollection))]
public sealed class FlightDelaysCollection : ICollectionFixture<FlightDelaysRun>;

/// <summary>The same for tests that disturb runs: these wait more than they compute, so they go beside the others.</summary>
[CollectionDefinition(nameof(FaultsCollection))]
public sealed class FaultsCollection : ICollectionFixture<FlightDelaysRun>;

/// <summary>One uninterrupted run of the main job, shared by the tests that look at it.</summary>
public sealed class FlightDelaysRun : IAsyncLifetime
{
    readonly string folder = Path.Combine(Path.GetTempPath(), $"batchml-tests-{Guid.NewGuid():N}");

    public string Workspace => Path.Combine(folder, "workspace");

    public string Output { get; private set; } = "";

    public int ExitCode { get; private set; }

    /// <summary>What the run told an OpenTelemetry collector.</summary>
    internal OtlpReceiver Collector { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var environment = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Collector.Endpoint,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "2000",
            ["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment.name=test",
        };
        using var run = await JobsProcess.RunAsync(environment, "run", "flight-delays", "--workspace", Workspace);
        (Output, ExitCode) = (run.Output + run.Error, run.ExitCode);
    }

    public ValueTask DisposeAsync()
    {
        Collector.Dispose();
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
