using System.Diagnostics;
using System.Net;
using BatchMl.TestSupport;

namespace BatchMl.Server.Tests.Web;

/// <summary>Metrics and health over real HTTP.</summary>
public sealed class SignalsTests
{
    [Fact]
    public async Task Metrics_are_what_Prometheus_reads_and_tell_how_things_stand()
    {
        await using var server = await TestServer.StartAsync();
        await server.FillAsync();
        using var client = server.Client();
        var page = "";
        await ApiTests.UntilAsync(async () => (page = await client.GetStringAsync("/metrics")).Contains("batchml_dataset_partitions{dataset=\"demo/score\",state=\"missing\"} 4"));
        foreach (var sample in new[]
        {
            "batchml_dataset_partitions{dataset=\"demo/score\",state=\"failed\"} 1", "batchml_dataset_partitions{dataset=\"demo/score\",state=\"dead_letters\"} 1", "batchml_dataset_dead_letter_rows{dataset=\"demo/score\"} 2",
            "batchml_queue_runs{queue=\"train\",state=\"queued\"} 0", "batchml_job_runs_total{job_name=\"demo/score\",outcome=\"completed\"} 0",
        })
        {
            Assert.Contains(sample, page);
        }
        // Other tests of this process may count as well.
        Assert.Matches("batchml_job_runs_total\\{job_name=\"demo/score\",outcome=\"failed\"\\} [1-9]", page);
        Assert.Matches("batchml_job_duration_seconds_bucket\\{job_name=\"demo/score\",outcome=\"failed\",le=\"\\+Inf\"\\} [1-9]", page);
        var type = (await client.GetAsync("/metrics")).Content.Headers.ContentType!.ToString();
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", type);

        var promtool = new[] { "/usr/bin/promtool", System.Environment.GetEnvironmentVariable("PROMTOOL") ?? "" }.FirstOrDefault(File.Exists);
        Shared.RequireOrSkip(promtool is not null, "promtool is not installed (Debian package prometheus), and PROMTOOL names none.");
        using var process = Process.Start(new ProcessStartInfo(promtool!, "check metrics") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.StandardInput.WriteAsync(page);
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said + page);
    }

    [Fact]
    public async Task A_server_is_ready_while_catalog_and_workspace_can_be_used()
    {
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        Assert.Equal("""{"status":"ok"}""", await client.GetStringAsync("/healthz/live"));
        Assert.Equal("""{"status":"ok","catalog":true,"storage":true}""", await client.GetStringAsync("/healthz/ready"));

        foreach (var file in Directory.GetFiles(server.Workspace, "catalog.db*")) await File.WriteAllTextAsync(file, "this is no database, but long enough to be taken for the beginning of one: " + new string('x', 8192));
        var response = await client.GetAsync("/healthz/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("""{"status":"failed","catalog":false,"storage":true}""", await response.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/healthz/live")).StatusCode);
    }

    [Fact]
    public async Task A_run_that_a_request_asked_for_is_in_the_trace_of_the_request_down_to_its_steps()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name is "BatchMl" or "Microsoft.AspNetCore", Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = await TestServer.StartAsync();
        using var client = server.Client();
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs") { Content = System.Net.Http.Json.JsonContent.Create(new { job = "demo/score" }) };
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        (await client.SendAsync(request)).EnsureSuccessStatusCode();

        // What a worker does with it, in another process or later.
        var queued = Assert.Single(await server.Operations.QueueAsync(new Operations.QueueFilter([]), default));
        Activity.Current = null;
        await new Runs.Runner(server.Environment, new Silent()).RunAsync(server.Job, System.Text.Json.JsonSerializer.Deserialize<Runs.RunRequest>(queued.RequestJson)!, "run", default);
        var trace = spans.Where(s => s.TraceId.ToHexString() == "0af7651916cd43dd8448eb211c80319c").ToArray();
        var asked = Assert.Single(trace, s => s.Source.Name == "Microsoft.AspNetCore");
        var run = trace.Where(s => s.OperationName == "batchml.run").ToArray();
        Assert.NotEmpty(run);
        Assert.All(run, r => Assert.Equal(asked.SpanId, r.ParentSpanId));
        Assert.Contains(trace, s => s.OperationName == "batchml.step" && run.Any(r => r.SpanId == s.ParentSpanId));
    }

    sealed class Silent : Runs.RunListener;
}
