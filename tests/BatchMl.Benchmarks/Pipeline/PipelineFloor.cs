using System.Globalization;
using Apache.Arrow;
using BatchMl.Benchmarks.Harness;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Benchmarks.Pipeline;

/// <summary>
/// A scoring job over a table of 64 features against the floor that its own stages set: the CPU seconds of all stages over the cores. Each stage is run alone, on one thread, over a tenth of the rows; its time for all of
/// them is ten times that. No stage alone is a floor, since partitions are made side by side.
/// </summary>
sealed class PipelineFloor(string name, string model, Func<ITrainer> trainer) : Benchmark
{
    const long Rows = 5_000_000;

    public override string Name => name;

    public override string What => $"Parquet → {model} → Parquet, 64 features, 5 M rows in 10 partitions, the whole job with ledger, profiles and fsync; its floor";

    public override string Target => "at least 0.9 of the floor";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var workload = ScoringWorkload.Wide(folder, trainer());
        await workload.TrainAsync();
        workload.WriteTable(Rows);
        await workload.RunAsync(workload.Score);
        List<Seconds> jobs = [];
        List<Stages> alone = [];
        List<double> pauses = [];
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetTotalPauseDuration();
            jobs.Add(await Seconds.OfAsync(() => workload.RunAsync(workload.Score, force: true)));
            pauses.Add((GC.GetTotalPauseDuration() - before).TotalSeconds);
            alone.Add(await StagesAsync(workload));
        }
        var shares = jobs.Zip(alone, (job, stages) => stages.Floor / job.Wall).Order().ToArray();
        var (median, typical) = (Seconds.Median(jobs), alone[1]);
        return new Outcome(
            string.Create(CultureInfo.InvariantCulture, $"{median}, {Rows / median.Wall / 1000:N0} k rows/s"), string.Create(CultureInfo.InvariantCulture, $"{typical.Floor:0.00} s"),
            string.Create(CultureInfo.InvariantCulture, $"{shares[1]:0.00} of the floor"), shares[1] >= 0.9,
            string.Create(CultureInfo.InvariantCulture, $"{typical}; paused for garbage collection {pauses.Order().ElementAt(1):0.0} s"));
    }

    /// <summary>CPU seconds of each stage alone, for all rows.</summary>
    sealed record Stages(double Read, double Encode, double Score, double Profile, double Write)
    {
        public double Floor => (Read + Encode + Score + Profile + Write) / Environment.ProcessorCount;

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"alone, CPU s: read {Read:0.0}, encode {Encode:0.0}, score {Score:0.0}, profile {Profile:0.0}, write {Write:0.0}");
    }

    static async Task<Stages> StagesAsync(ScoringWorkload workload)
    {
        using var query = await new LocalEngine(null).OpenAsync(workload.Score.Query, workload.Open, new FeatureOptions(TimeProvider.System.GetUtcNow(), 1L << 30, 1, 16_384), default);
        var partition = (await query.PartitionsAsync(null, null, default))[0];
        var package = workload.Model();
        var encoder = package.Encoder;
        using var scorer = ScoringWorkload.Scorers[package.Manifest.Flavor](package);
        List<RecordBatch> rows = [], encoded = [], scored = [];
        var read = await Seconds.OfAsync(async () =>
        {
            await foreach (var batch in query.ComputeAsync([partition], null, default)) rows.Add(batch.Batch);
        });
        var encode = Seconds.Of(() =>
        {
            foreach (var batch in rows) encoded.Add(encoder.Encode(batch));
        });
        var layout = new ScoreLayout(package.Manifest, workload.Score.Query.Columns, workload.Score.Keep);
        var outputs = new List<IReadOnlyList<IArrowArray>>();
        var score = Seconds.Of(() =>
        {
            foreach (var batch in encoded) outputs.Add(scorer.Score(batch, default));
        });
        for (var i = 0; i < rows.Count; i++) scored.Add(Assembled(layout, rows[i], outputs[i]));
        var features = workload.Score.Query.ModelFeatures;
        var profile = Seconds.Of(() =>
        {
            var builder = new ProfileBuilder();
            for (var i = 0; i < rows.Count; i++)
                builder.Add(new RecordBatch(new Schema([.. features.Select(f => rows[i].Schema.GetFieldByName(f)), layout.Schema.GetFieldByName("score")], null), [.. features.Select(f => rows[i].Column(f)), outputs[i][0]], rows[i].Length));
            builder.Build().ToJson();
        });
        var write = await Seconds.OfAsync(async () =>
        {
            await using var stage = await workload.Sink.StageAsync(new PartitionKey(workload.Sink.Name, "alone", "day", partition.Value), 1, layout.Schema, default);
            foreach (var batch in scored) await stage.WriteAsync(batch, default);
            await stage.CompleteAsync(default);
        });
        var times = Rows / partition.Rows;
        return new Stages(read.Cpu * times, encode.Cpu * times, score.Cpu * times, profile.Cpu * times, write.Cpu * times);
    }

    // The columns that the pipeline puts around the scores, made before the clock runs: the floor is too low rather than too high.
    static RecordBatch Assembled(ScoreLayout layout, RecordBatch rows, IReadOnlyList<IArrowArray> outputs)
    {
        IArrowArray Column(Field field) => rows.Schema.GetFieldIndex(field.Name) is var i and >= 0 ? rows.Column(i)
            : field.Name == "score" ? outputs[0]
            : field.DataType is Apache.Arrow.Types.StringType ? new StringArray.Builder().AppendRange(Enumerable.Repeat("text", rows.Length)).Build()
            : field.DataType is Apache.Arrow.Types.Int64Type ? new Int64Array.Builder().AppendRange(Enumerable.Repeat(1L, rows.Length)).Build()
            : new TimestampArray.Builder(Columns.UtcMicroseconds).AppendRange(Enumerable.Repeat(DateTimeOffset.UnixEpoch, rows.Length)).Build();
        return new RecordBatch(layout.Schema, layout.Schema.FieldsList.Select(Column), rows.Length);
    }
}
