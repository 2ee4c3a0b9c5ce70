using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Telemetry;

namespace BatchMl.Core.Tests.Scoring;

public sealed class ScoringPipelineTests
{
    static int Log2(int n) => (int)Math.Ceiling(Math.Log2(n));

    [Fact]
    public async Task Rows_are_written_in_spine_order_with_where_they_come_from()
    {
        var harness = new ScoringHarness();
        var result = await harness.RunAsync();
        harness.AssertPartitioned(result, new HashSet<long>());
        Assert.Equal("1|n1|3|m|4|d1gest|flights@2|1000000|1388448000000000|run-1|0|", harness.Stage(0).Lines[1]);
        Assert.Equal(["id", "name", "score", "model_name", "model_version", "model_digest", "feature_service", "as_of", "scored_at", "run_id", "day"],
            new ScoreLayout(ScoringHarness.Manifest, ScoringHarness.QueryColumns, ["id", "as_of", "name"]).Schema.FieldsList.Select(f => f.Name));
        Assert.Empty(harness.Stage(0).Files);
        Assert.Superset(new HashSet<(string, StageState)>
        {
            ("source", StageState.Busy), ("source", StageState.WaitingForOutput), ("encode", StageState.WaitingForInput), ("encode", StageState.Busy), ("score", StageState.Busy), ("assemble", StageState.Busy),
            ("write", StageState.WaitingForInput), ("write", StageState.Busy), ("observe", StageState.Busy),
        }, harness.Stages.Keys.ToHashSet());
        Assert.Equal(harness.Script.Loaded, harness.Script.Disposed);
    }

    [Fact]
    public async Task For_random_bad_rows_scores_and_dead_letters_partition_the_spine_whatever_the_batches_and_workers()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var rows = random.Next(0, 60);
            HashSet<long> Some(double share) => [.. Enumerable.Range(0, rows).Where(_ => random.NextDouble() < share).Select(i => (long)i)];
            var (poison, broken) = (Some(random.NextDouble() * random.Next(2)), Some(random.NextDouble() * random.Next(2) / 2));
            var interleaved = random.Next(2) == 0;
            var (memory, threadSafe) = (random.Next(2) == 0 ? random.Next(1, 10) : int.MaxValue, random.Next(2) == 0);
            ScoringHarness? first = null;
            for (var variant = 0; variant < 3; variant++)
            {
                var harness = new ScoringHarness
                {
                    Rows = rows, BatchSize = random.Next(1, 20), Workers = random.Next(1, 5), InputBatches = [random.Next(1, 30), random.Next(1, 8)],
                    FeatureErrors = broken.ToDictionary(id => id, id => id % 2 == 0 ? "as_of" : "x"),
                };
                if (interleaved) harness.DayOf = id => (int)(id % 3);
                (harness.Script.Poison, harness.Script.MemoryRows, harness.Script.ThreadSafe) = (x => poison.Contains((long)x), memory, threadSafe);
                harness.AssertPartitioned(await harness.RunAsync(), poison.Union(broken).ToHashSet());
                Assert.Equal(poison.Union(broken).Count(), harness.Budget.Count);
                first ??= harness;
                foreach (var (value, stage) in harness.Output)
                {
                    Assert.Equal(((MemoryStage)first.Output[value]).Lines, ((MemoryStage)stage).Lines);
                    Assert.Equal(((MemoryStage)first.Output[value]).Files, ((MemoryStage)stage).Files);
                }
            }
        }
    }

    [Fact]
    public async Task One_bad_row_in_a_million_costs_logarithmically_many_calls()
    {
        const int rows = 1_000_000;
        var harness = new ScoringHarness { Rows = rows, InputBatches = [65_536], BatchSize = 65_536, DayOf = _ => 0 };
        harness.Script.Poison = x => x == 777_777;
        var result = await harness.RunAsync();
        Assert.Equal(new PartitionCounts(rows, rows - 1, 1, 0), result.Partitions["1970-01-01"]);
        Assert.Equal(777_777, (long)harness.Stage(0).Letters.Single()["row"]!);
        Assert.Equal(rows / 65_536 + 1 + 2 * 16, harness.Script.Calls);
    }

    [Fact]
    public async Task A_dead_letter_says_why_and_what_the_row_was()
    {
        var harness = new ScoringHarness { FeatureErrors = { [8] = "as_of", [9] = "x" } };
        harness.Script.Poison = x => x == 5;
        await harness.RunAsync();
        Assert.Equal(
            """{"row":5,"stage":"score","reason":"can not score 5","values":{"id":5,"name":null,"as_of":"1970-01-01T00:00:05.000000Z","day":"1970-01-01","x":5,"n":1},"model":"m@4","model_digest":"d1gest"}""",
            harness.Stage(0).Letters.Single().ToJsonString());
        Assert.Equal(["spine", "features"], harness.Stage(1).Letters.Select(l => (string)l["stage"]!));
        Assert.Equal("x: broken", (string)harness.Stage(1).Letters[1]["reason"]!);
    }

    [Fact]
    public async Task A_row_that_can_not_be_encoded_is_a_dead_letter_of_that_stage_and_costs_no_call()
    {
        var harness = new ScoringHarness
        {
            N = id => id == 10 ? null : id,
            Encoding = Encoder.PassThrough([("x", ColumnType.Double, new("x", ModelType.Double)), ("n", ColumnType.Int64, new("n", ModelType.Int64))]),
        };
        harness.Script.Signature = new([new("x", ModelType.Double), new("n", ModelType.Int64)], ScorerScript.OneInput.Outputs);
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long> { 10 });
        Assert.Equal("encode", (string)harness.Stage(1).Letters.Single()["stage"]!);
        Assert.Equal(7 - 1 + 2, harness.Script.Calls);
    }

    [Fact]
    public async Task Unknown_categories_of_scored_rows_are_counted_once_however_often_a_batch_is_cut()
    {
        var training = Rows.Batch(("x", Rows.Doubles(1, 1)), ("name", Rows.Text("n1", "n2")));
        var harness = new ScoringHarness { Encoding = Encoder.Fit([training], ["x", "name"], "y", []), X = _ => 1 };
        harness.Script.Signature = new(harness.Encoding.Outputs, ScorerScript.OneInput.Outputs);
        harness.Script.MemoryRows = 1;
        harness.FeatureErrors[3] = "x";
        var result = await harness.RunAsync();
        // 20 names, of which 4 are null, 2 are known and one is that of a dead letter.
        Assert.Equal(new Dictionary<string, long> { ["name"] = 13 }, result.UnknownCategories);
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(100, 3)]
    [InlineData(65, 13)]
    public async Task A_bad_row_costs_at_most_2_log2_of_the_batch_plus_2_more_calls(int rows, int bad)
    {
        var harness = new ScoringHarness { Rows = rows, BatchSize = 100, Workers = 1 };
        harness.Script.Poison = x => (int)x == bad % rows;
        await harness.RunAsync();
        Assert.InRange(harness.Script.Calls, 1, 1 + 2 * Log2(rows) + 2);
    }

    [Fact]
    public async Task Too_little_memory_halves_batches_for_good_and_loses_no_row()
    {
        var harness = new ScoringHarness { Rows = 100, BatchSize = 40, Workers = 1 };
        harness.Script.MemoryRows = 12;
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long>());
        Assert.Equal(10, harness.Script.LargestAfterMemoryRanOut);
        Assert.Equal(2 + 10, harness.Script.Calls);
    }

    [Fact]
    public async Task A_single_row_too_large_for_memory_is_a_dead_letter()
    {
        var harness = new ScoringHarness { Rows = 2, Workers = 1 };
        harness.Script.MemoryRows = 0;
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long> { 0, 1 });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_scorer_that_hangs_is_left_behind_and_never_used_again(bool threadSafe)
    {
        var harness = new ScoringHarness { Rows = 12, BatchSize = 4, Workers = 1 };
        harness.Script.ThreadSafe = threadSafe;
        harness.Script.Hangs = x => x == 6;
        harness.Script.WhileHanging = () => harness.Clock.Advance(TimeSpan.FromMinutes(1));
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long> { 6 });
        Assert.Contains("did not answer within 00:05:00", (string)harness.Stage(0).Letters.Single()["reason"]!);
        Assert.Equal(0, harness.Script.CallsAfterHang);
        Assert.Equal(1 + 2, harness.Script.Loaded);
        harness.Script.Release.Set();
        Assert.True(SpinWait.SpinUntil(() => harness.Script.Disposed == harness.Script.Loaded, TimeSpan.FromSeconds(30)));
        Assert.Null(harness.Script.Misuse);
    }

    [Fact]
    public async Task A_row_that_hangs_costs_little_more_than_twice_the_time_limit()
    {
        var limit = TimeSpan.FromSeconds(32);
        var harness = new ScoringHarness { Rows = 5000, BatchSize = 4096, Workers = 1, BatchTimeout = limit };
        harness.Script.Hangs = x => x == 777;
        harness.Script.WhileHanging = () => harness.Clock.Advance(TimeSpan.FromMilliseconds(50));
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long> { 777 });
        // 4096, 256, 16 and 1 rows: as many scorers were left behind, and 12 halvings would have been 13 limits.
        Assert.Equal(1 + 4, harness.Script.Loaded);
        Assert.InRange(harness.Clock.GetUtcNow() - harness.Clock.Start, 2 * limit + TimeSpan.FromSeconds(4), 4 * limit);
        harness.Script.Release.Set();
    }

    [Fact]
    public async Task A_row_that_is_answered_within_the_limit_is_scored_even_beside_one_that_hangs()
    {
        var harness = new ScoringHarness { Rows = 64, BatchSize = 64, Workers = 1, BatchTimeout = TimeSpan.FromSeconds(60) };
        harness.Script.Hangs = x => x == 20;
        harness.Script.WhileHanging = () => harness.Clock.Advance(TimeSpan.FromMilliseconds(100));
        // Longer than the 3.75 seconds that its part of four rows is given, so that this is cut too.
        harness.Script.Score = x =>
        {
            for (var step = 0; x == 21 && step < 100; step++, Thread.Sleep(1)) harness.Clock.Advance(TimeSpan.FromMilliseconds(100));
            return 2 * x + 1;
        };
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long> { 20 });
        harness.Script.Release.Set();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(65_536)]
    public void Rows_are_cut_without_gap_or_overlap_in_parts_that_differ_by_one_row_at_most(int rows)
    {
        foreach (var parts in (int[])[2, 16])
        {
            RowRange[] cut = [.. new RowRange(100, rows, TimeSpan.Zero).Cut(parts, TimeSpan.FromSeconds(1)).Reverse()];
            Assert.Equal(Math.Min(parts, rows), cut.Length);
            Assert.Equal(Enumerable.Range(100, rows), cut.SelectMany(p => Enumerable.Range(p.Start, p.Count)));
            Assert.InRange(cut.Max(p => p.Count) - cut.Min(p => p.Count), 0, 1);
        }
    }

    [Fact]
    public async Task Scorers_that_are_not_thread_safe_are_loaded_per_worker_and_disposed()
    {
        var harness = new ScoringHarness { Rows = 500, Workers = 4 };
        harness.Script.ThreadSafe = false;
        harness.AssertPartitioned(await harness.RunAsync(), new HashSet<long>());
        Assert.InRange(harness.Script.Loaded, 1, 4);
        Assert.Equal(harness.Script.Loaded, harness.Script.Disposed);
    }

    [Fact]
    public async Task NaN_scores_are_kept_and_counted()
    {
        var harness = new ScoringHarness { X = id => id % 4 == 0 ? null : id };
        var result = await harness.RunAsync();
        Assert.Equal([2, 2, 1], result.Partitions.OrderBy(p => p.Key).Select(p => p.Value.NanScores));
        Assert.Equal(20, result.Partitions.Values.Sum(p => p.Scores));
    }

    [Theory]
    [InlineData("rows")]
    [InlineData("columns")]
    [InlineData("type")]
    [InlineData("null")]
    public async Task A_scorer_that_breaks_its_signature_is_a_bug_not_a_dead_letter(string how)
    {
        var harness = new ScoringHarness();
        harness.Script.Distort = outputs => how switch
        {
            "rows" => [Rows.Doubles(1)],
            "columns" => [.. outputs, .. outputs],
            "type" => [Rows.Longs(1, 2, 3)],
            _ => [Rows.Doubles(1, null, 3)],
        };
        var e = await Assert.ThrowsAsync<BatchMlException>(harness.RunAsync);
        Assert.Equal(FailureKind.Bug, e.Kind);
        Assert.Equal(0, harness.Budget.Count);
    }

    [Fact]
    public async Task More_dead_letters_than_allowed_stop_everything()
    {
        var harness = new ScoringHarness { Rows = 1_000_000, Budget = new(5) };
        harness.Script.Poison = x => x > 50;
        await Assert.ThrowsAsync<DeadLetterLimitException>(harness.RunAsync);
        Assert.InRange(harness.Budget.Count, 6, 6 + harness.Workers);
        Assert.True(harness.RowsDone < 1000);
    }

    [Fact]
    public async Task A_scorer_that_refuses_every_row_is_stopped_at_the_limit_with_the_count_the_limit_and_the_reason()
    {
        const int limit = 1_000;
        var harness = new ScoringHarness { Rows = 1_000_000, InputBatches = [65_536], BatchSize = 65_536, Budget = new(limit) };
        harness.Script.Poison = _ => true;
        var e = await Assert.ThrowsAsync<DeadLetterLimitException>(harness.RunAsync);
        Assert.Contains("rows could not be scored, allowed are 1000. The latest reason: can not score", e.Message);
        Assert.Equal(0, harness.RowsDone);
        // Each worker halves down to its first rows, and on from there two calls give at least one dead letter.
        Assert.InRange(harness.Script.Calls, limit, 2 * (limit + harness.Workers) + harness.Workers * 2 * 17);
    }

    [Theory]
    [InlineData("source")]
    [InlineData("load")]
    [InlineData("write")]
    [InlineData("file")]
    [InlineData("observe")]
    [InlineData("unknown partition")]
    public async Task A_failure_of_any_stage_stops_all_with_its_own_error(string where)
    {
        foreach (var rows in new[] { 10, 1000 })
        {
            var harness = new ScoringHarness { Rows = rows };
            var disk = new IOException(where);
            switch (where)
            {
                case "source": harness.BeforeBatch = start => { if (start == 6) throw disk; }; break;
                case "load": harness.Script.Load = () => throw disk; break;
                case "write": harness.ArrangeStages = s => ((MemoryStage)s["1970-01-02"]).FailAtWrite = 0; break;
                case "file": harness.ArrangeStages = s => ((MemoryStage)s["1970-01-01"]).FailAtFile = true; harness.Script.Poison = x => x == 1; break;
                case "observe": harness.Observing = _ => throw disk; break;
                default: harness.ArrangeStages = s => s.Remove("1970-01-02"); break;
            }
            if (where == "unknown partition") Assert.Contains("1970-01-02", (await Assert.ThrowsAsync<BatchMlException>(harness.RunAsync)).Message);
            else await Assert.ThrowsAsync<IOException>(harness.RunAsync);
            Assert.Null(harness.Script.Misuse);
        }
    }

    [Fact]
    public async Task A_second_scorer_that_can_not_be_loaded_is_an_error_of_the_run_not_of_rows()
    {
        var harness = new ScoringHarness { Rows = 100, Workers = 1 };
        harness.Script.Hangs = x => x == 4;
        harness.Script.WhileHanging = () => harness.Clock.Advance(TimeSpan.FromMinutes(1));
        harness.Script.Load = () => harness.Script.Loaded == 1 ? new ScorerDouble(harness.Script) : throw new IOException("gone");
        await Assert.ThrowsAsync<IOException>(harness.RunAsync);
        Assert.Equal(0, harness.Budget.Count);
        harness.Script.Release.Set();
    }

    [Fact]
    public async Task Cancellation_leaves_a_running_call_behind()
    {
        using var cancel = new CancellationTokenSource();
        var harness = new ScoringHarness { Rows = 1000, Cancel = cancel.Token };
        harness.Script.Hangs = x => x == 100;
        // From another thread: what Cancel wakes up may run inside it, and would keep the scorer's thread.
        harness.Script.WhileHanging = () => _ = cancel.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(harness.RunAsync);
        Assert.Equal(cancel.Token, e.CancellationToken);
        harness.Script.Release.Set();
        Assert.True(SpinWait.SpinUntil(() => harness.Script.Disposed == harness.Script.Loaded, TimeSpan.FromSeconds(30)));
        Assert.Null(harness.Script.Misuse);
    }

    [Fact]
    public async Task Reading_stays_a_bounded_number_of_batches_ahead_of_writing()
    {
        var read = 0L;
        var harness = new ScoringHarness { Rows = 3000, Workers = 2 };
        harness.BeforeBatch = start => Interlocked.Exchange(ref read, start);
        var furthest = 0L;
        harness.Observing = _ => furthest = Math.Max(furthest, Interlocked.Read(ref read) - harness.RowsDone);
        await harness.RunAsync();
        // The queue that keeps the order, the batch in the reader's hand and the one being read.
        Assert.InRange(furthest, 1, 3 * (2 * 2 + 1 + 2));
    }

    [Fact]
    public async Task Weights_with_another_signature_than_the_manifest_move_no_row()
    {
        var harness = new ScoringHarness { BeforeBatch = _ => Assert.Fail("a row moved") };
        harness.Script.Load = () => new OtherScorer();
        var e = await Assert.ThrowsAsync<DefinitionException>(harness.RunAsync);
        Assert.Contains("(z Float) -> (score Double)", e.Message);
    }

    sealed class OtherScorer : IScorer
    {
        public ModelSignature Signature => new([new("z", ModelType.Float)], [new("score", ModelType.Double)]);
        public bool IsThreadSafe => true;
        public IReadOnlyList<Apache.Arrow.IArrowArray> Score(Apache.Arrow.RecordBatch inputs, CancellationToken cancel) => throw new InvalidOperationException();
        public void Dispose() { }
    }
}
