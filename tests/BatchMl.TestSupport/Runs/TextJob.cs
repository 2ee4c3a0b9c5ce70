using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;

namespace BatchMl.TestSupport.Runs;

/// <summary>A job whose partitions are texts, made from input texts: <c>input, mark</c>. What happens while a unit is made is up to the test.</summary>
public sealed class TextJob(string name) : DatasetJob(name, "for tests")
{
    /// <summary>Input text by partition; may be changed between and during runs.</summary>
    public ConcurrentDictionary<string, string> Inputs { get; } = new();

    /// <summary>Tells the versions of several jobs of one name apart.</summary>
    public string Mark { get; init; } = "made";

    /// <summary>The dataset that its partitions are of, e.g. a version of its own; null: that of its name.</summary>
    public string? Dataset { get; set; }

    /// <summary>Partitions of one unit.</summary>
    public int UnitSize { get; init; } = 1;

    /// <summary>Called when a unit is made, before anything is staged.</summary>
    public Func<UnitOfWork, CancellationToken, Task> Making { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Dead letters that a partition has.</summary>
    public Func<string, long> DeadLetters { get; set; } = _ => 0;

    /// <summary>When the time that a partition is about ends.</summary>
    public Func<string, DateTimeOffset?> Ends { get; init; } = _ => null;

    /// <summary>Inputs that are not ready for a partition.</summary>
    public Func<string, IReadOnlyList<AwaitedInput>> Awaits { get; set; } = _ => [];

    /// <summary>Units begun, each as its partitions.</summary>
    public ConcurrentQueue<string> Begun { get; } = [];

    /// <summary>How often it was planned, and how often finished.</summary>
    public int Planned, Finished;

    public TextJob With(params string[] days)
    {
        foreach (var day in days) Inputs[day] = $"in {day}";
        return this;
    }

    public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
    {
        Planned++;
        return Task.FromResult<JobPlan>(new Plan(this, (FolderSink)environment.Sink, Inputs.OrderBy(i => i.Key, StringComparer.Ordinal).ToDictionary()));
    }

    sealed class Plan(TextJob job, FolderSink sink, Dictionary<string, string> pinned) : JobPlan
    {
        public override DatasetJob Job => job;
        public override ISink Sink => sink;
        public override JobLineage Lineage => new([], new LineageDataset(new DatasetName("file", job.Name), []), new Dictionary<string, IReadOnlyList<ColumnOrigin>>(), []);
        public override IReadOnlyList<PlanSection> Describe() => [];

        public override IReadOnlyList<PlannedPartition> Partitions { get; } = [.. pinned.Select(p => new PlannedPartition(
            new PartitionKey("folder", job.Dataset ?? job.Name, "day", p.Key),
            new Fingerprint("d", "", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(p.Value))), $"1.{job.SemanticsVersion}"), p.Value.Length, p.Value.Length, null, job.Ends(p.Key)) { Awaits = job.Awaits(p.Key) })];

        public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [.. partitions.Chunk(job.UnitSize)];

        public override async Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel)
        {
            job.Begun.Enqueue(string.Join(' ', unit.Attempts.Select(a => a.Partition.Key.Value)));
            await job.Making(unit, cancel);
            var results = new List<PartitionResult>();
            foreach (var attempt in unit.Attempts)
            {
                var letters = job.DeadLetters(attempt.Partition.Key.Value);
                if (letters > 0) unit.DeadLetters.Add(letters, "not a number");
                results.Add(new PartitionResult(sink.Stage(attempt.Partition.Key, attempt.Fence, $"{pinned[attempt.Partition.Key.Value]}, {job.Mark}", letters), new Dictionary<DatasetName, long>(), []));
            }
            return results;
        }

        public override void VerifyInputs()
        {
            foreach (var (day, text) in pinned)
            {
                if (job.Inputs.GetValueOrDefault(day) != text) throw new InputChangedException($"The input of {day} changed.");
            }
        }

        public override Task<IReadOnlyList<string>> FinishAsync(JobEnvironment environment, CancellationToken cancel)
        {
            job.Finished++;
            return Task.FromResult<IReadOnlyList<string>>(["report made"]);
        }
    }
}
