namespace BatchMl.Jobs.Tests;

/// <summary>What the program tells an OpenTelemetry collector, and what it tells a person, about where the time went.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class TelemetryTests(FlightDelaysRun run)
{
    static readonly string[] steps = ["flight-delays/training-set", "flight-delays/train", "flight-delays/score", "flight-delays/monitor"];

    double Sum(string metric, params (string Name, string Value)[] attributes) =>
        run.Collector.Series(metric).Where(s => attributes.All(a => s.Attributes.GetValueOrDefault(a.Name) == a.Value)).Sum(s => s.Value);

    [Fact]
    public void A_collector_has_every_partition_and_row_of_the_run_when_the_process_has_ended()
    {
        Assert.Equal(92, Sum("batchml.partitions", ("job_name", "flight-delays/score"), ("outcome", "committed")));
        Assert.Equal(0, Sum("batchml.partitions", ("outcome", "failed")));
        Assert.Equal(84_292, Sum("batchml.rows", ("job_name", "flight-delays/score")));
        Assert.Equal(1, Sum("batchml.job.runs", ("job_name", "flight-delays"), ("outcome", "completed")));
        Assert.Equal(1, Sum("batchml.job.duration", ("job_name", "flight-delays")));
        foreach (var step in steps) Assert.True(Sum("batchml.stage.time", ("job_name", step), ("state", "busy")) > 0, step);
        Assert.True(Sum("batchml.stage.time", ("job_name", "flight-delays/score"), ("stage", "encode"), ("state", "waiting_for_input")) > 0);
        Assert.All(run.Collector.Resources, r => Assert.Equal(("batchml", "test"), (r["service.name"], r["deployment.environment.name"])));
    }

    [Fact]
    public void Spans_are_one_run_its_steps_and_their_units()
    {
        var spans = run.Collector.Spans;
        var whole = Assert.Single(spans, s => s.Name == "batchml.run");
        Assert.Equal(("", "flight-delays"), (whole.Parent, whole.Attributes["job_name"]));
        Assert.Equal(steps.Order(), spans.Where(s => s.Name == "batchml.step" && s.Parent == whole.Id).Select(s => s.Attributes["job_name"]).Order());
        var scoring = spans.Single(s => s.Name == "batchml.step" && s.Attributes["job_name"] == "flight-delays/score");
        Assert.True(spans.Count(s => s.Name == "batchml.unit" && s.Parent == scoring.Id) > 1);
    }

    [Fact]
    public void The_summary_names_what_bounds_each_step()
    {
        var lines = run.Output.Split('\n');
        foreach (var step in steps)
        {
            var after = lines.SkipWhile(l => !l.StartsWith($"  {step}: ", StringComparison.Ordinal)).Skip(1).TakeWhile(l => l.StartsWith("    ", StringComparison.Ordinal)).ToArray();
            Assert.Matches(@"^    bound by: [a-z]+ \(\d+ % busy\)", Assert.Single(after, l => l.StartsWith("    bound by", StringComparison.Ordinal)));
        }
        Assert.Contains("waiting for input", run.Output, StringComparison.Ordinal);
    }
}
