using BatchMl.Telemetry;

namespace BatchMl.Core.Tests.Telemetry;

public sealed class StagesTests
{
    static StageTime Stage(string name, double busy, double input = 0, double output = 0) => new(name, TimeSpan.FromSeconds(busy), TimeSpan.FromSeconds(input), TimeSpan.FromSeconds(output));

    [Fact]
    public void Stages_are_told_in_the_order_in_which_data_flows_and_unknown_ones_last()
    {
        var times = Stages.InOrder([Stage("mine", 1), Stage("commit", 1), Stage("score", 1), Stage("read", 1), Stage("another", 1)]);
        Assert.Equal(["read", "score", "commit", "another", "mine"], times.Select(t => t.Stage));
    }

    [Fact]
    public void The_threads_of_the_pipeline_that_wait_least_bound_it()
    {
        // Two workers score all the time; reading waits for room, writing waits for scores.
        StageTime[] times = [Stage("read", 2), Stage("features", 1, output: 7), Stage("encode", 1, input: 0.5), Stage("score", 18.5), Stage("write", 2, input: 8), Stage("commit", 1)];
        Assert.Equal(new Bottleneck("score", 0.925), Stages.BottleneckOf(times));
    }

    [Fact]
    public void A_source_that_never_waits_bounds_the_pipeline_even_if_scoring_takes_more_time_in_all()
    {
        StageTime[] times = [Stage("read", 9), Stage("features", 1), Stage("encode", 1, input: 7), Stage("score", 12), Stage("write", 1, input: 9)];
        Assert.Equal(new Bottleneck("read", 0.9), Stages.BottleneckOf(times));
    }

    [Fact]
    public void What_comes_before_or_after_the_pipeline_bounds_a_step_when_it_takes_longer_than_the_pipeline()
    {
        StageTime[] times = [Stage("plan", 1), Stage("read", 2), Stage("encode", 0.1, input: 1), Stage("score", 1), Stage("write", 1, input: 1), Stage("commit", 5)];
        Assert.Equal(new Bottleneck("commit", 5 / 8d), Stages.BottleneckOf(times));
    }

    [Fact]
    public void Without_a_pipeline_the_longest_stage_bounds_the_step_by_its_share()
    {
        Assert.Equal(new Bottleneck("train", 0.6), Stages.BottleneckOf([Stage("read", 2), Stage("encode", 2), Stage("train", 6)]));
        Assert.Null(Stages.BottleneckOf([]));
        Assert.Null(Stages.BottleneckOf([Stage("plan", 0)]));
    }
}
