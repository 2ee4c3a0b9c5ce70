using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>A pipeline over rows 0, 1, … with x = id, three days of rows, and all that can be turned.</summary>
sealed class ScoringHarness
{
    public readonly ScorerScript Script = new();
    public ScorerScript? Challenger;
    public long ChallengerFailures = long.MaxValue;
    public readonly FakeTimeProvider Clock = new(new DateTimeOffset(2013, 12, 31, 0, 0, 0, TimeSpan.Zero));
    public readonly ConcurrentDictionary<(string, StageState), bool> Stages = new();
    public readonly List<(string Partition, long[] Ids, int Scores)> Observed = [];
    public DeadLetterBudget Budget = new(long.MaxValue);
    public Dictionary<long, string> FeatureErrors = [];
    public Func<long, int> DayOf = id => (int)(id / 7 % 3);
    public Func<long, double?> X = id => id;
    public Func<long, long?> N = _ => 1;
    public Encoder Encoding = Encoder;
    public int Rows = 20;
    public int[] InputBatches = [3];
    public int BatchSize = 3;
    public int Workers = 2;
    public TimeSpan BatchTimeout = TimeSpan.FromMinutes(5);
    public Action<long> BeforeBatch = _ => { };
    public Action<Dictionary<string, IBatchStage>> ArrangeStages = _ => { };
    public Action<string> Observing = _ => { };
    public CancellationToken Cancel = CancellationToken.None;
    public long RowsDone;

    public static readonly IReadOnlyList<QueryColumn> QueryColumns = [
        new("id", ColumnType.Int64, ColumnRole.Spine), new("name", ColumnType.String, ColumnRole.Spine), new("as_of", ColumnType.Timestamp, ColumnRole.AsOf),
        new("day", ColumnType.Date, ColumnRole.Partition), new("x", ColumnType.Double, ColumnRole.Derived), new("n", ColumnType.Int64, ColumnRole.Derived),
    ];

    public static readonly Encoder Encoder = Encoder.PassThrough([("x", ColumnType.Double, new("x", ModelType.Double))]);

    public static readonly ModelManifest Manifest = new()
    {
        FormatVersion = 1, Name = "m", Version = 4, Flavor = "double", Weights = "w", FeatureService = "flights", FeatureServiceVersion = 2,
        Signature = ScorerScript.OneInput, Digest = "d1gest",
    };

    public static readonly ModelManifest ChallengerManifest = Manifest with { Name = "c", Version = 9, Digest = "other" };

    public Dictionary<string, IBatchStage> Output { get; private set; } = [];

    public MemoryStage Stage(int day) => (MemoryStage)Output[$"1970-01-0{day + 1}"];

    public async Task<ScoringResult> RunAsync()
    {
        Output = Enumerable.Range(0, Rows).Select(id => DayOf(id)).Distinct().ToDictionary(day => $"1970-01-0{day + 1}", IBatchStage (_) => new MemoryStage());
        ArrangeStages(Output);
        var manifest = Manifest with { Signature = Script.Signature };
        var pipeline = new ScoringPipeline(
            manifest, Encoding, Script.New, new ScoreLayout(manifest, QueryColumns, ["id", "name"], Challenger is null ? null : ChallengerManifest), new ScoringOptions { Clock = Clock, BatchSize = BatchSize, Workers = Workers, BatchTimeout = BatchTimeout })
        {
            Challenger = Challenger is null ? null : new Challenger(ChallengerManifest, Encoding, Challenger.New, ChallengerFailures),
        };
        var result = await pipeline.RunAsync(Input(Cancel), Output, new ScoringRun
        {
            RunId = "run-1", ScoredAt = Clock.Start, DeadLetters = Budget, OnTime = (stage, state, _) => Stages[(stage, state)] = true, OnRows = rows => RowsDone += rows,
            Observer = (partition, features, scores) =>
            {
                Observing(partition);
                Observed.Add((partition, ((Int64Array)features.Column("id")).Values.ToArray(), scores.Length));
            },
        }, Cancel);
        Assert.Null(Script.Misuse);
        Assert.Null(Challenger?.Misuse);
        return result;
    }

    async IAsyncEnumerable<FeatureBatch> Input([EnumeratorCancellation] CancellationToken cancel)
    {
        var turn = 0;
        for (var start = 0L; start < Rows;)
        {
            await Task.Yield();
            cancel.ThrowIfCancellationRequested();
            BeforeBatch(start);
            var count = (int)Math.Min(InputBatches[turn++ % InputBatches.Length], Rows - start);
            var first = start;
            long?[] ids = [.. Enumerable.Range(0, count).Select(i => (long?)(first + i))];
            var batch = Scoring.Rows.Batch(
                ("id", Scoring.Rows.Longs(ids)), ("name", Scoring.Rows.Text([.. ids.Select(id => id % 5 == 0 ? null : "n" + id)])), ("as_of", Scoring.Rows.Times([.. ids.Select(id => id!.Value * 1_000_000)])),
                ("day", Scoring.Rows.Days([.. ids.Select(id => DayOf(id!.Value))])), ("x", Scoring.Rows.Doubles([.. ids.Select(id => X(id!.Value))])),
                ("n", Scoring.Rows.Longs([.. ids.Select(id => N(id!.Value))])));
            yield return new FeatureBatch(batch, [.. FeatureErrors.Where(e => e.Key >= first && e.Key < first + count).Select(e => new FeatureError((int)(e.Key - first), e.Value, "broken"))]);
            start += count;
        }
    }

    /// <summary>Scores and dead letters partition the spine, in its order, with right ordinals and right scores.</summary>
    public void AssertPartitioned(ScoringResult result, IReadOnlySet<long> dead)
    {
        foreach (var (value, stage) in Output)
        {
            var memory = (MemoryStage)stage;
            var spine = Enumerable.Range(0, Rows).Select(id => (long)id).Where(id => $"1970-01-0{DayOf(id) + 1}" == value).ToList();
            Assert.Equal(spine.Where(id => !dead.Contains(id)), memory.Ids);
            Assert.Equal(spine.Where(dead.Contains), memory.Letters.Select(l => (long)l["values"]!["id"]!));
            Assert.Equal(spine.Where(dead.Contains).Select(id => (long)spine.IndexOf(id)), memory.Letters.Select(l => (long)l["row"]!));
            Assert.Equal(new PartitionCounts(spine.Count, memory.Ids.Count, memory.Letters.Count, 0), result.Partitions[value]);
            Assert.All(memory.Ids.Zip(memory.Lines), r => Assert.Contains($"|{Script.Score(X(r.First) ?? double.NaN)}|m|4|", r.Second));
            Assert.Equal(memory.Ids, Observed.Where(o => o.Partition == value).SelectMany(o => o.Ids));
        }
        Assert.Equal(Rows, RowsDone);
    }
}
