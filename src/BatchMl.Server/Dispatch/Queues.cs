using BatchMl.Jobs;
using BatchMl.Runs;

namespace BatchMl.Server.Dispatch;

/// <summary>Which workers take which jobs.</summary>
static class Queues
{
    public const string Train = "train", Score = "score", Monitor = "monitor";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Train, Score, Monitor];

    /// <summary>A job's queue by its kind; a pipeline's is that of its heaviest step.</summary>
    public static string Of(Job job) => job switch
    {
        PipelineJob pipeline => All.FirstOrDefault(q => pipeline.Steps.Any(s => Of(s) == q)) ?? Score,
        TrainingSetJob or TrainJob => Train,
        MonitorJob => Monitor,
        _ => Score,
    };
}
