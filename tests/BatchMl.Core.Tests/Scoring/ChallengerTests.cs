using BatchMl.Scoring;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>A challenger scores what the model scored, and whatever it does, the model's rows, scores and dead letters are those of a run without it.</summary>
public sealed class ChallengerTests
{
    const int Model = 10;

    // The columns before the challenger's, and the partition behind them.
    static string OfModel(string line) => string.Join('|', line.Split('|').Where((_, i) => i is < Model or > Model + 4));

    static string[] Challenged(string line) => line.Split('|')[Model..(Model + 5)];

    static ScoringHarness Harness(Random random, int rows, IReadOnlySet<long> poison) => new()
    {
        Rows = rows, BatchSize = random.Next(1, 20), Workers = random.Next(1, 5), InputBatches = [random.Next(1, 30), random.Next(1, 8)], Script = { Poison = x => poison.Contains((long)x) },
    };

    [Fact]
    public void Its_columns_are_behind_the_models_and_may_be_null()
    {
        var schema = new ScoreLayout(ScoringHarness.Manifest, ScoringHarness.QueryColumns, ["id", "name"], ScoringHarness.ChallengerManifest).Schema;
        Assert.Equal(["id", "name", "score", "model_name", "model_version", "model_digest", "feature_service", "as_of", "scored_at", "run_id",
            "challenger_score", "challenger_error", "challenger_model_name", "challenger_model_version", "challenger_model_digest", "day"], schema.FieldsList.Select(f => f.Name));
        Assert.Equal(["challenger_score", "challenger_error"], schema.FieldsList.Where(f => f.IsNullable && f.Name.StartsWith("challenger", StringComparison.Ordinal)).Select(f => f.Name));
    }

    [Fact]
    public async Task For_random_rows_that_either_can_not_score_the_model_is_as_alone_and_the_challenger_gives_what_it_would_alone()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var rows = random.Next(0, 60);
            HashSet<long> Some() => [.. Enumerable.Range(0, rows).Where(_ => random.NextDouble() < 0.15).Select(i => (long)i)];
            var (poison, other) = (Some(), Some());
            var alone = Harness(random, rows, poison);
            await alone.RunAsync();
            var harness = Harness(random, rows, poison);
            harness.Challenger = new ScorerScript { Score = x => -x, Poison = x => other.Contains((long)x), ThreadSafe = random.Next(2) == 0, MemoryRows = random.Next(2) == 0 ? random.Next(1, 10) : int.MaxValue };
            harness.AssertPartitioned(await harness.RunAsync(), poison);
            foreach (var (value, stage) in harness.Output)
            {
                var (got, expected) = ((MemoryStage)stage, (MemoryStage)alone.Output[value]);
                Assert.Equal(expected.Lines, got.Lines.Select(OfModel));
                Assert.Equal(expected.Files, got.Files);
                Assert.All(got.Ids.Zip(got.Lines), r => Assert.Equal(
                    other.Contains(r.First) ? ["", $"score: can not score {r.First}", "c", "9", "other"] : [$"{-(double)r.First}", "", "c", "9", "other"], Challenged(r.Second)));
            }
            Assert.Equal(harness.Challenger.Loaded, harness.Challenger.Disposed);
        }
    }

    [Fact]
    public async Task It_is_not_asked_any_more_once_it_failed_too_often()
    {
        var harness = new ScoringHarness { Rows = 600, BatchSize = 10, Workers = 1, ChallengerFailures = 25, Challenger = new ScorerScript { Poison = _ => true } };
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long>());
        // Three batches of ten are bisected to their rows, 19 calls each at most.
        Assert.InRange(harness.Challenger.Calls, 26, 3 * 19);
        var reasons = harness.Output.Values.SelectMany(s => ((MemoryStage)s).Lines).Select(l => Challenged(l)[1]).ToArray();
        Assert.Equal(26, reasons.Count(r => r.StartsWith("score: can not score", StringComparison.Ordinal)));
        Assert.Equal(600 - 26, reasons.Count(r => r.StartsWith("not asked any more, since it could not score more than 25 rows; the latest reason: can not score", StringComparison.Ordinal)));
        Assert.Equal(0, harness.Budget.Count);
    }

    [Fact]
    public async Task A_batch_that_it_does_not_answer_is_given_up_whole_and_costs_one_time_limit()
    {
        var harness = new ScoringHarness { Rows = 60, BatchSize = 20, Workers = 1, BatchTimeout = TimeSpan.FromMinutes(1), Challenger = new ScorerScript { Hangs = x => x == 25 } };
        harness.Challenger.WhileHanging = () => harness.Clock.Advance(TimeSpan.FromSeconds(30));
        try
        {
            harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long>());
        }
        finally
        {
            harness.Challenger.Release.Set();
        }
        var lines = harness.Output.Values.SelectMany(s => ((MemoryStage)s).Ids.Zip(((MemoryStage)s).Lines)).ToArray();
        Assert.All(lines, l => Assert.Equal(l.First is >= 20 and < 40, Challenged(l.Second)[0].Length == 0));
        Assert.All(lines.Where(l => l.First is >= 20 and < 40), l => Assert.Equal("score: The scorer of model c@9 did not answer within 00:01:00 for 20 rows.", Challenged(l.Second)[1]));
        Assert.Equal((3, 0), (harness.Challenger.Calls, harness.Challenger.CallsAfterHang));
    }

    [Fact]
    public async Task A_scorer_of_it_that_gives_the_wrong_arrays_costs_nothing_else()
    {
        var harness = new ScoringHarness { Challenger = new ScorerScript { Distort = outputs => [.. outputs, .. outputs] } };
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long>());
        Assert.All(harness.Output.Values.SelectMany(s => ((MemoryStage)s).Lines), l => Assert.Contains("This is a defect of the scorer.", Challenged(l)[1], StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_that_can_not_be_loaded_stops_the_run_before_a_row_moves()
    {
        var harness = new ScoringHarness { Challenger = new ScorerScript { Load = () => throw new DataException("no such weights") } };
        await Assert.ThrowsAsync<DataException>(harness.RunAsync);
        Assert.Equal(0, harness.RowsDone);
    }
}
