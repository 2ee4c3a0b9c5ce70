using System.Runtime.CompilerServices;
using BatchMl.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace BatchMl.Hosting;

/// <summary>
/// Sends metrics and spans to an OpenTelemetry collector, if the environment names one (https://opentelemetry.io/docs/specs/otel/protocol/exporter); otherwise OpenTelemetry is not even loaded. Its other
/// variables (protocol, headers, interval, service name) hold as well.
/// </summary>
static class OtlpExport
{
    // Spans of requests to a server, of which runs that they ask for are parts.
    const string Requests = "Microsoft.AspNetCore";

    static readonly string[] endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

    /// <summary>Begins to export; disposing sends what is left, and waits for that for a few seconds at most. Null: there is nowhere to send to.</summary>
    public static IDisposable? Start() => endpoints.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name))) ? StartExport() : null;

    // On its own, so that its types are loaded only when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static Export StartExport() => new(
        Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(Instruments.Name).AddOtlpExporter().Build(),
        Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(Instruments.Name, Requests).AddOtlpExporter().Build());

    // The environment's OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last: they win.
    static void Describe(ResourceBuilder resource) => resource.Clear().AddService("batchml").AddTelemetrySdk().AddEnvironmentVariableDetector();

    sealed class Export(MeterProvider metrics, TracerProvider spans) : IDisposable
    {
        public void Dispose()
        {
            spans.Dispose();
            metrics.Dispose();
        }
    }
}
