using System.Text.Json;
using BatchMl.Expressions;
using BatchMl.Hosting;
using BatchMl.LightGbm;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.Training;

namespace BatchMl.Jobs.Tests;

/// <summary>Training sets that keep some of their training rows: which ones, with what weight, and what a model makes of them. DuckDB compares each with the set that keeps all.</summary>
public sealed class SamplingTests : IDisposable
{
    public sealed record Call(long Id, long Customer, DateTimeOffset At, double Minutes, bool Answered);

    static readonly Source<Call> Calls = Source.Bind<Call>("calls").EventTime(c => c.At).TieBreak(c => c.Id);

    readonly TestFolder folder = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Some 24,000 calls of January to April 2024; one in ten is answered. Customer 0 makes a tenth of them.
    public SamplingTests() => Duck.Execute($"""
        COPY (SELECT i AS id, CASE WHEN hash(i, 'c') % 10 = 0 THEN 0 ELSE 1 + hash(i, 'd') % 900 END::BIGINT AS customer, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_seconds((i * 434)::BIGINT) AS at,
          (hash(i, 'm') % 1000) / 100.0 AS minutes, hash(i, 'a') % 10 = 0 AS answered FROM range(24000) t(i)) TO '{folder.At("calls.parquet")}' (FORMAT parquet);
        COPY (SELECT * FROM '{folder.At("calls.parquet")}' ORDER BY hash(id)) TO '{folder.At("shuffled.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 4000);
        """);

    static TrainingSetJob Set(Sampling? sampling) => new(
        "calls/training-set", "Calls", Spine.From(Calls).Key(c => new { c.Id, c.Customer, c.Minutes }).AsOf(c => c.At).PartitionBy("day", c => c.At.DateIn("UTC")),
        FeatureService.Of("calls", version: 1, FeatureView.Of(Calls, key: c => c.Customer).Window("calls_7d", w => w.Count(), days: 7)), Label.Of<Call, bool>("answered", c => c.Answered, knownAt: c => c.At.AddHours(1)),
        new TimeSplit(new DateOnly(2024, 3, 15), new DateOnly(2024, 4, 1), new DateOnly(2024, 5, 1), "UTC")) { Sampling = sampling };

    async Task<string> RunAsync(string workspace, string calls, IReadOnlyList<Job> jobs, string job, params string[] more)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => jobs) with { Out = output, Error = error }).RunAsync(["run", job, "--workspace", folder.At(workspace), "--set", $"Sources:calls:Path={folder.At(calls)}", .. more], Cancel);
        Assert.True(code == 0, output.ToString() + error);
        return $"read_parquet('{folder.At(workspace)}/datasets/calls/training-set/*/part-*.parquet', hive_partitioning = false)";
    }

    Task<string> MakeAsync(Sampling? sampling, string workspace = "w", string calls = "calls.parquet", params string[] more) => RunAsync(workspace, calls, [Set(sampling)], "calls/training-set", more);

    static long Count(string sql) => Duck.Ask<long>($"SELECT count(*) FROM ({sql})");

    /// <summary>Rows that are there are those of the whole set, and of validation and test there are all.</summary>
    static void AssertPartOf(string kept, string all)
    {
        Assert.Equal(0, Count($"SELECT * EXCLUDE weight FROM {kept} EXCEPT ALL SELECT * FROM {all}"));
        Assert.Equal(0, Count($"SELECT *, 1.0::DOUBLE AS weight FROM {all} WHERE split <> 'train' EXCEPT ALL SELECT * FROM {kept}"));
        Assert.True(Count($"FROM {kept} WHERE split = 'train'") is > 100 and var rows && rows < Count($"FROM {all} WHERE split = 'train'"));
    }

    [Fact]
    public async Task Of_a_class_a_share_is_kept_and_stands_for_all_of_it()
    {
        var all = await MakeAsync(null, "all");
        var kept = await MakeAsync(Sampling.PerClass((0, 0.1)));
        AssertPartOf(kept, all);
        Assert.Equal(0, Count($"SELECT id FROM {all} WHERE split = 'train' AND answered EXCEPT SELECT id FROM {kept} WHERE weight = 1"));
        Assert.Equal(0, Count($"FROM {kept} WHERE split = 'train' AND weight <> CASE WHEN answered THEN 1 ELSE 10 END"));
        // Each of n rows was kept with a chance of p = 0.1: the weighted sum of x is off by sqrt(sum(x^2) (1 - p) / p) or so. Five times that is once in two million seeds.
        foreach (var x in new[] { "1", "minutes", "calls_7d" })
        {
            var bound = 5 * Duck.Ask<double>($"SELECT sqrt(sum(({x})::DOUBLE ** 2) * 9) FROM {all} WHERE split = 'train' AND NOT answered");
            var off = Duck.Ask<double>($"SELECT (SELECT sum(weight * {x}) FROM {kept} WHERE split = 'train' AND NOT answered) - (SELECT sum({x}) FROM {all} WHERE split = 'train' AND NOT answered)");
            Assert.InRange(off, -bound, bound);
            Assert.NotEqual(0, off);
        }
    }

    [Fact]
    public async Task Which_rows_are_kept_depends_on_nothing_but_rows_and_seed()
    {
        Sampling[] samplings = [Sampling.PerClass((0, 0.2), (1, 0.7)), Sampling.PerGroup(3, "customer"), Sampling.ByHash(0.3, "customer")];
        foreach (var sampling in samplings)
        {
            var kept = await MakeAsync(sampling, "one");
            var shuffled = await MakeAsync(sampling, "two", "shuffled.parquet", "--max-parallel", "1", "--memory", "4MiB");
            Assert.Equal(0, Count($"FROM {kept} EXCEPT ALL FROM {shuffled}"));
            Assert.Equal(0, Count($"FROM {shuffled} EXCEPT ALL FROM {kept}"));
            var other = await MakeAsync(sampling with { Seed = 2 }, "three");
            Assert.True(Count($"SELECT id FROM {kept} WHERE split = 'train' EXCEPT SELECT id FROM {other}") > 50);
            foreach (var workspace in new[] { "one", "two", "three" }) Directory.Delete(folder.At(workspace), recursive: true);
        }
    }

    [Fact]
    public async Task Of_a_group_at_most_so_many_rows_are_kept_and_stand_for_all_of_it()
    {
        var all = await MakeAsync(null, "all");
        var kept = await MakeAsync(Sampling.PerGroup(5, "customer"));
        AssertPartOf(kept, all);
        Assert.Equal(0, Count($"""
            SELECT customer, least(5, count(*)), round(1.0 * count(*), 6) FROM {all} WHERE split = 'train' GROUP BY 1
            EXCEPT SELECT customer, count(*), round(sum(weight), 6) FROM {kept} WHERE split = 'train' GROUP BY 1
            """));
        // In the order of the whole set.
        Assert.Equal(0, Count($"FROM (SELECT as_of, lag(as_of) OVER () AS before FROM {kept}) WHERE as_of < before"));
        var recipe = JsonDocument.Parse(await File.ReadAllBytesAsync(Directory.EnumerateFiles(folder.At("w", "datasets"), "_recipe-*.json", SearchOption.AllDirectories).Single(), Cancel)).RootElement;
        Assert.Equal(Count($"FROM {all} WHERE split = 'train'"), recipe.GetProperty("sampling").GetProperty("of_training_rows").GetInt64());
        Assert.Equal("of training rows at most 5 of each customer, seed 1", recipe.GetProperty("sampling").GetProperty("rule").GetString());
        Assert.Equal(Count($"FROM {kept} WHERE split = 'train'"), recipe.GetProperty("rows_by_split").GetProperty("train").GetInt64());
    }

    [Fact]
    public async Task Of_a_share_of_values_all_rows_are_kept()
    {
        var all = await MakeAsync(null, "all");
        var kept = await MakeAsync(Sampling.ByHash(0.25, "customer"));
        AssertPartOf(kept, all);
        Assert.Equal(0, Count($"SELECT id FROM {all} WHERE split = 'train' AND customer IN (SELECT customer FROM {kept} WHERE split = 'train') EXCEPT SELECT id FROM {kept}"));
        Assert.Equal(0, Count($"FROM {kept} WHERE split = 'train' AND weight <> 4"));
        // Of 901 customers; five deviations are 65.
        Assert.InRange(Count($"SELECT DISTINCT customer FROM {kept} WHERE split = 'train'"), 160, 290);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_model_of_weighted_rows_says_what_is_true_of_all(bool isSampled)
    {
        var set = Set(isSampled ? Sampling.PerClass((0, 0.1)) : null);
        var train = new TrainJob("calls/train", "Calls", "calls", set, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20, Leaves = 4, LearningRate = 0.1, MinRowsInLeaf = 200 }));
        await RunAsync("w", "calls.parquet", [new PipelineJob("calls", "Calls", set, train)], "calls");
        var evaluation = ModelEvaluation.FromJson(await File.ReadAllBytesAsync(folder.At("w", "models", "calls", "1", ModelEvaluation.FileName), Cancel));
        // One call in ten is answered. Without weights half of the rows that are trained on would be.
        var bins = evaluation.Splits["test"].Calibration;
        Assert.InRange(bins.Sum(b => b.Rows * b.Predicted) / bins.Sum(b => b.Rows), 0.08, 0.12);
        // What drift is held against is all training rows.
        var profile = Profile.FromJson(await File.ReadAllBytesAsync(folder.At("w", "models", "calls", "1", "reference_profile.json"), Cancel));
        Assert.Equal(Duck.Ask<long>($"SELECT count(*) FROM '{folder.At("calls.parquet")}' WHERE \"at\" + INTERVAL 1 HOUR < TIMESTAMPTZ '2024-03-15 00:00:00Z'"), profile.Column("calls_7d")!.Rows);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        IReadOnlyList<string> Problems(Sampling sampling) => Assert.Throws<DefinitionException>(() => Set(sampling)).Problems;
        Assert.Equal(["The sampling of job 'calls/training-set': the share of label 1 is 1.5; expected above 0 and at most 1.", "The sampling of job 'calls/training-set': label 0 is named 2 times; expected once."], Problems(Sampling.PerClass((0, 0.1), (1, 1.5), (0, 0.2))));
        Assert.Equal(2, Problems(Sampling.PerGroup(0, "costumer")).Count);
        Assert.Contains("column 'costumer', which neither the spine nor the features have: id, customer, minutes", Problems(Sampling.ByHash(0.5, "costumer"))[0], StringComparison.Ordinal);
        Assert.Contains("names no columns", Problems(Sampling.ByHash(double.NaN))[1], StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
