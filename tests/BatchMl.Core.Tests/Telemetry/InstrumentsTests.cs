using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using BatchMl.Core.Tests.Runs;
using BatchMl.Runs;
using BatchMl.Telemetry;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Core.Tests.Telemetry;

/// <summary>What a listener in this process hears. Other tests run beside these, so each looks for its own job only.</summary>
public sealed class InstrumentsTests
{
    [Fact]
    public async Task A_run_is_told_as_metrics_with_the_job_its_stages_and_its_outcome()
    {
        const string dataset = "metrics/score";
        var heard = new ConcurrentQueue<(string Name, string? Unit, double Value, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == Instruments.Name) l.EnableMeasurementEvents(instrument);
        };
        void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => heard.Enqueue((instrument.Name, instrument.Unit, value, tags.ToArray().ToDictionary()));
        listener.SetMeasurementEventCallback<double>((i, v, tags, _) => Hear(i, v, tags));
        listener.SetMeasurementEventCallback<long>((i, v, tags, _) => Hear(i, v, tags));
        listener.Start();

        await using var w = new RunnerHarness();
        var job = new TextJob(dataset).With("1", "2", "3");
        var summary = await w.RunAsync(job);
        listener.Dispose();

        var mine = heard.Where(h => dataset.Equals(h.Tags["job_name"])).ToArray();
        double Sum(string name, string? outcome = null) => mine.Where(h => h.Name == name && (outcome is null || outcome.Equals(h.Tags["outcome"]))).Sum(h => h.Value);
        Assert.Equal(summary.Steps[0].Rows, Sum("batchml.rows"));
        Assert.Equal(summary.Steps[0].DeadLetters, Sum("batchml.dead_letters"));
        Assert.Equal((3, 0), (Sum("batchml.partitions", "committed"), Sum("batchml.partitions", "failed")));
        Assert.Equal(1, Sum("batchml.job.runs", "completed"));
        Assert.Equal(summary.Elapsed.TotalSeconds, Assert.Single(mine, h => h.Name == "batchml.job.duration").Value);
        // The same times as in the summary.
        foreach (var stage in summary.Steps[0].StageTimes)
        {
            var times = mine.Where(h => h.Name == "batchml.stage.time" && stage.Stage.Equals(h.Tags["stage"])).ToArray();
            Assert.All(times, t => Assert.Equal("s", t.Unit));
            Assert.Equal(stage.Busy.TotalSeconds, times.Where(t => "busy".Equals(t.Tags["state"])).Sum(t => t.Value), 6);
        }
        Assert.Contains("commit", summary.Steps[0].StageTimes.Select(t => t.Stage));
    }

    [Fact]
    public async Task Run_step_and_units_are_spans_inside_each_other_and_a_failure_is_marked()
    {
        const string dataset = "spans/score";
        var heard = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Instruments.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = heard.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        await using var w = new RunnerHarness();
        var job = new TextJob(dataset).With("1", "2");
        job.Making = (unit, _) => unit.Attempts[0].Partition.Key.Value == "2" ? throw new DataException("bad row") : Task.CompletedTask;
        var summary = await w.RunAsync(job);
        Assert.Equal(RunState.Failed, summary.State);

        var mine = heard.Where(a => dataset.Equals(a.GetTagItem("job_name"))).ToArray();
        var run = Assert.Single(mine, a => a.OperationName == "batchml.run");
        var step = Assert.Single(mine, a => a.OperationName == "batchml.step");
        var units = mine.Where(a => a.OperationName == "batchml.unit").ToArray();
        Assert.Equal(run.SpanId, step.ParentSpanId);
        Assert.NotEmpty(units);
        Assert.All(units, u => Assert.Equal((run.TraceId, step.SpanId, summary.RunId), (u.TraceId, u.ParentSpanId, u.GetTagItem("batchml.run_id"))));
        Assert.Equal((ActivityStatusCode.Error, ActivityStatusCode.Error), (run.Status, step.Status));
        Assert.Contains(units, u => u.Status == ActivityStatusCode.Error && u.StatusDescription!.Contains("bad row", StringComparison.Ordinal));
    }
}
