using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;
using BatchMl.LightGbm;
using BatchMl.Onnx;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.TestSupport;
using BatchMl.Training;
using DuckDB.NET.Data;

namespace BatchMl.Jobs.Tests;

/// <summary>
/// The law that how something is computed changes no bit of it: threads, memory and spilling, batch sizes, workers, units of work, and how the sources are cut into files and row groups. From source files through
/// features and models to staged partitions and their dead letters.
/// </summary>
public sealed class InvarianceTests : IDisposable
{
    // Enough that the kernel takes several threads for a unit of all days.
    const int Asks = 36_000, Sales = 60_000, Days = 6;

    readonly TestFolder folder = new();
    int runs, spilled;

    public void Dispose() => folder.Dispose();

    sealed record Ask(long Id, string Customer, DateTimeOffset At);

    sealed record Sale(string Customer, long Seq, DateTimeOffset At, DateTimeOffset? Known, double? Amount, long Items, string? Product);

    sealed record Setting(int Files, int Threads, bool Spills, int FeatureBatch, int DaysAtOnce, int ScoreBatch, int Workers)
    {
        public static readonly Setting Plain = new(1, 1, false, 65_536, Days, 65_536, 1);
    }

    static readonly Setting[] settings =
    [
        new(1, 4, false, 65_536, Days, 65_536, 2),
        new(5, 1, true, 1_000, Days, 10_000, 3),
        new(5, 4, true, 16_384, 2, 16_384, 1),
        new(3, 2, false, 4_097, 1, 37, 4),
        new(2, 4, true, 700, 4, 4_095, 2),
    ];

    static FeatureQuery Query()
    {
        var sales = Source.Bind<Sale>("sales").EventTime(s => s.At).AvailableAt(s => s.Known).TieBreak(s => s.Seq);
        var recent = FeatureView.Of(sales, s => s.Customer)
            .Window("n", w => w.Count(), days: 1).Window("amount_sum", w => w.Sum(s => s.Amount), days: 1).Window("amount_std", w => w.Std(s => s.Amount), days: 2)
            .Window("amount_max", w => w.Max(s => s.Amount), days: 1).Window("products", w => w.DistinctCount(s => s.Product), days: 3).Window("amount_p90", w => w.Quantile(0.9, s => s.Amount), days: 2)
            .Window("items", w => w.Sum(s => s.Items), hours: 5).Window("first", w => w.First(s => s.Amount), days: 1)
            .Latest(s => s.Amount, "latest").LatestNonNull(s => s.Product, "product");
        // Fails where nothing was bought in five hours before: dead letters are results too.
        var service = FeatureService.Of("s", 1, recent).Derive("per_item", row => 1000 / (row.Integer("items") % 97));
        return FeatureQuery.Create(
            Spine.From(Source.Bind<Ask>("asks")).Key(a => new { a.Id, a.Customer }).AsOf(a => a.At).PartitionBy("day", a => Sql.DateIn(a.At, "UTC")), service, null);
    }

    /// <summary>Both sources, cut into files in the order of their rows.</summary>
    void WriteSources(int files)
    {
        if (Directory.Exists(folder.At($"{files}"))) return;
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        void Copy(string table, int rows, string select)
        {
            Directory.CreateDirectory(folder.At($"{files}", table));
            for (var f = 0; f < files; f++)
            {
                using var command = connection.CreateCommand();
                command.CommandText = string.Create(CultureInfo.InvariantCulture,
                    $"SET TimeZone='UTC'; COPY (SELECT {select} FROM range({rows}) t(i) WHERE i * {files} // {rows} = {f} ORDER BY i) TO '{folder.At($"{files}", table, $"{f}.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE {4096 * files})");
                command.ExecuteNonQuery();
            }
        }
        // Multiplications by primes stand for random numbers.
        Copy("asks", Asks, $"i AS id, 'c' || (i * 7919 % 331) AS customer, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i * 104729 % {Days * 86_400}) AS \"at\"");
        Copy("sales", Sales, $"""
            'c' || (i * 6007 % 331) AS customer, i AS seq, TIMESTAMPTZ '2023-12-30 00:00:00+00' + to_seconds(i * 15485863 % {(Days + 2) * 86_400}) AS "at",
            CASE WHEN i % 50 > 0 THEN "at" + to_minutes(i * 31 % 700) END AS known, CASE WHEN i % 11 > 0 THEN (i * 2654435761 % 100003) / 7.0 - 5000 END AS amount, i * 13 % 7 AS items,
            CASE WHEN i % 13 > 0 THEN 'p' || (i * 37 % 41) END AS product
            """);
    }

    async Task<T> WithBatchesAsync<T>(Setting setting, Func<IPinnedQuery, IReadOnlyList<SpinePartition>, Task<T>> use)
    {
        WriteSources(setting.Files);
        var disk = FileSpill.Factory(folder.At("spill"), 1);
        SpillFactory spill = (schema, buckets) =>
        {
            spilled++;
            return disk(schema, buckets);
        };
        var options = new FeatureOptions(DateTimeOffset.UnixEpoch, setting.Spills ? 1 << 20 : long.MaxValue, setting.Threads, setting.FeatureBatch);
        var before = spilled;
        using var pinned = await new LocalEngine(spill).OpenAsync(Query(), name => new ParquetSource(folder.At($"{setting.Files}", name)), options, default);
        var partitions = await pinned.PartitionsAsync(null, null, default);
        Assert.Equal(Days, partitions.Count);
        var result = await use(pinned, partitions);
        Assert.Equal(setting.Spills, spilled > before);
        return result;
    }

    Task<List<string>> RowsAsync(Setting setting) => WithBatchesAsync(setting, async (pinned, partitions) =>
    {
        var rows = new List<string>();
        foreach (var unit in partitions.Chunk(setting.DaysAtOnce))
        {
            await foreach (var batch in pinned.ComputeAsync(unit, null, default))
            {
                using (batch)
                {
                    var first = rows.Count;
                    rows.AddRange(TestTable.Rows(batch.Batch));
                    foreach (var error in batch.Errors) rows[first + error.Row] += $" | {error.Column}: {error.Message}";
                }
            }
        }
        return rows;
    });

    [Fact]
    public async Task Features_do_not_depend_on_how_they_are_computed()
    {
        // Days side by side come in the source's order, one by one in theirs.
        static List<string> Ordered(List<string> rows) => [.. rows.Order(StringComparer.Ordinal)];
        var expected = Ordered(await RowsAsync(Setting.Plain));
        Assert.Equal(Asks, expected.Count);
        foreach (var setting in settings) Assert.Equal(expected, Ordered(await RowsAsync(setting)));
    }

    [Theory]
    [InlineData("lightgbm")]
    [InlineData("onnx")]
    [InlineData("quantised onnx")]
    public async Task Scores_and_dead_letters_do_not_depend_on_how_they_are_computed(string model)
    {
        var package = await PackageAsync(model);
        Assert.Equal(model == "quantised onnx" ? 1 : null, package.Manifest.Signature.RowsPerCall);
        var expected = await ScoreAsync(package, Setting.Plain);
        Assert.Equal(Days, expected.Count);
        // One row in a few has no items to divide by; the others have scores.
        Assert.All(expected.Values, p => Assert.True(p.Rows > 1_000 && p.DeadLetters is > 10 and < 1_000, $"{p}"));
        foreach (var setting in settings)
        {
            var got = await ScoreAsync(package, setting);
            Assert.All(expected, e => Assert.True(e.Value == got[e.Key], $"{model}, {setting}, {e.Key}: {got[e.Key]}, expected {e.Value}"));
        }
    }

    [Fact]
    public async Task A_quantised_model_with_calls_of_many_rows_shows_that_the_law_is_not_idle()
    {
        var package = await PackageAsync("quantised onnx", rowsPerCall: 64);
        var (plain, cut) = (await ScoreAsync(package, Setting.Plain), await ScoreAsync(package, settings[3]));
        Assert.Contains(plain, p => p.Value.Content != cut[p.Key].Content);
    }

    sealed record Partition(long Rows, long DeadLetters, string Content, string Letters);

    Task<Dictionary<string, Partition>> ScoreAsync(ModelPackage package, Setting setting) => WithBatchesAsync(setting, async (pinned, partitions) =>
    {
        var sink = new ParquetSink(folder.At($"run{runs++}"));
        var layout = new ScoreLayout(package.Manifest, pinned.Query.Columns, ["id", "customer"]);
        var results = new Dictionary<string, Partition>();
        var options = new ScoringOptions { Clock = TimeProvider.System, BatchSize = setting.ScoreBatch, Workers = setting.Workers };
        var pipeline = new ScoringPipeline(package.Manifest, package.Encoder, () => package.Manifest.Flavor == OnnxScorer.Flavor ? OnnxScorer.Load(package) : LightGbmScorer.Load(package), layout, options);
        foreach (var unit in partitions.Chunk(setting.DaysAtOnce))
        {
            var stages = new Dictionary<string, IBatchStage>();
            foreach (var day in unit) stages[day.Value] = await sink.StageAsync(new PartitionKey("parquet", "scores", "day", day.Value), 1, layout.Schema, default);
            await pipeline.RunAsync(pinned.ComputeAsync(unit, null, default), stages, new ScoringRun { RunId = $"run{runs}", ScoredAt = DateTimeOffset.UnixEpoch, DeadLetters = new DeadLetterBudget(Asks) }, default);
            foreach (var (day, stage) in stages)
            {
                var staged = await stage.CompleteAsync(default);
                results[day] = new Partition(staged.Rows, staged.DeadLetters, staged.ContentDigest, staged.Files.Single(f => f.Kind == FileKind.DeadLetters).Sha256);
                await stage.DisposeAsync();
            }
        }
        return results;
    });

    static readonly string[] numbers = ["n", "amount_sum", "amount_std", "amount_max", "latest"];

    async Task<ModelPackage> PackageAsync(string model, int? rowsPerCall = null)
    {
        var to = Directory.CreateDirectory(folder.At("model")).FullName;
        if (model == "lightgbm")
        {
            await TrainAsync(to);
            return ModelPackage.Open(to);
        }
        var path = folder.At("quantised.onnx");
        if (model == "onnx") path = SharedModels.Path("mlp_dense.onnx");
        else await File.WriteAllBytesAsync(path, TinyModel.Quantised([3, -7, 20, 11, -2]));
        OnnxImport.Package(path, to, new ModelImport
        {
            Name = "m", Version = 1, FeatureService = "s", FeatureServiceVersion = 1, Inputs = [.. numbers.Select(n => new ImportedInput(n, n == "n" ? ColumnType.Int64 : ColumnType.Double))],
        }, null, rowsPerCall);
        return ModelPackage.Open(to);
    }

    /// <summary>A few trees on the features of the first day, with a category.</summary>
    Task<bool> TrainAsync(string to) => WithBatchesAsync(Setting.Plain, async (pinned, partitions) =>
    {
        var batches = new List<RecordBatch>();
        await foreach (var batch in pinned.ComputeAsync([partitions[0]], null, default)) batches.Add(batch.Batch);
        var encoder = Encoder.Fit(batches, [.. numbers, "products", "amount_p90", "first", "product"], "items", []);
        var rows = new TrainingRows([.. batches.Select(b => encoder.Encode(b))], [.. batches.Select(Labels)]);
        var trained = new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 }).Train(rows, rows, encoder.CategoricalOutputs, to, null, default);
        ModelPackage.Write(to, new ModelManifest
        {
            FormatVersion = 1, Name = "m", Version = 1, Flavor = trained.Flavor, Weights = trained.Weights, FeatureService = "s", FeatureServiceVersion = 1, Signature = trained.Signature, Digest = "",
        }, encoder);
        return true;
    });

    static DoubleArray Labels(RecordBatch batch)
    {
        var counts = (Int64Array)batch.Column("n");
        return new DoubleArray.Builder().AppendRange(Enumerable.Range(0, batch.Length).Select(i => (counts.Values[i] * 2654435761L + i) % 5 < 2 ? 1.0 : 0)).Build();
    }
}
