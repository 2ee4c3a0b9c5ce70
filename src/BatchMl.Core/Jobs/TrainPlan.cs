using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>What a <see cref="TrainJob"/> will do.</summary>
sealed class TrainPlan : JobPlan
{
    readonly TrainJob job;
    readonly JobEnvironment environment;
    readonly PartitionManifest? trainingSet;
    readonly DateOnly? until;
    readonly PlannedPartition partition;

    public TrainPlan(TrainJob job, JobEnvironment environment, PartitionManifest? trainingSet, DateOnly? until, IReadOnlyList<LedgerEntry> versions)
    {
        (this.job, this.environment, this.trainingSet, this.until) = (job, environment, trainingSet, until);
        var fingerprint = trainingSet is null ? null : new Fingerprint(Definitions(job), "", trainingSet.Partition.ContentDigest, Versions.Of(job));
        partition = new PlannedPartition(
            new PartitionKey(environment.Models.Name, job.Model, "version", Version(fingerprint, versions)), fingerprint,
            trainingSet?.Partition.Rows ?? -1, trainingSet?.Partition.Files.Sum(f => f.Bytes) ?? -1, null, null);
    }

    static string Definitions(TrainJob job)
    {
        var features = job.TrainingSet.Query.ModelFeatures;
        var service = job.TrainingSet.Query.Service!;
        var text = $"{service.Name}@{service.Version}|{string.Join(',', features)}|{job.TrainingSet.Query.Label!.Name}|{string.Join(',', job.Encodings)}|{job.Trainer.Parameters}";
        return Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    // A model with this fingerprint is that version; anything else is the next one. A version that was begun but never committed is taken up again.
    static string Version(Fingerprint? fingerprint, IReadOnlyList<LedgerEntry> versions)
    {
        var committed = versions.Where(v => v.Committed is not null).ToArray();
        var same = committed.FirstOrDefault(v => fingerprint is not null && v.Committed!.Fingerprint == fingerprint);
        var last = committed.Select(v => int.Parse(v.Key.Value, CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();
        return same?.Key.Value ?? (last + 1).ToString(CultureInfo.InvariantCulture);
    }

    public override DatasetJob Job => job;
    public override ISink Sink => environment.Models;
    public override IReadOnlyList<PlannedPartition> Partitions => [partition];
    public override IReadOnlyList<string> Missing => trainingSet is null ? [$"the dataset {job.TrainingSet.Name}{(until is { } end ? $" of the period until {end:yyyy-MM-dd}" : "")}, which job {job.TrainingSet.Name} makes"] : [];
    public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [.. partitions.Select(p => new[] { p })];
    public override void VerifyInputs() { }

    public override IReadOnlyList<PlanSection> Describe() =>
    [
        new("training set", [trainingSet is null ? $"{job.TrainingSet.Name} (not made yet)" : $"{trainingSet.Partition.Key}, {trainingSet.Partition.Rows:N0} rows, content {trainingSet.Partition.ContentDigest[..12]}"]),
        new("trainer", [job.Trainer.Parameters, .. job.Encodings.Select(e => e.ToString()!)]),
        new("output", [$"model {job.Model}, version {partition.Key.Value}"]),
    ];

    public override JobLineage Lineage
    {
        get
        {
            var input = environment.Sink.LineageNameOf(job.TrainingSet.Name);
            var features = job.TrainingSet.Query.ModelFeatures.Append(job.TrainingSet.Query.Label!.Name).ToArray();
            var fields = job.TrainingSet.Query.Columns.Where(c => features.Contains(c.Name)).Select(c => new LineageField(c.Name, LineageTypes.Text(Columns.ArrowType(c.Type)))).ToArray();
            IReadOnlyList<ColumnOrigin> origins = [.. features.Select(f => new ColumnOrigin(input, f, Transformation.Transformed))];
            return new JobLineage(
                [new LineageDataset(input, fields)], new LineageDataset(environment.Models.LineageNameOf(job.Model), [new LineageField("score", "double")]),
                new Dictionary<string, IReadOnlyList<ColumnOrigin>> { ["score"] = origins },
                [new ColumnOrigin(input, TrainingSetJob.SplitColumn, Transformation.Filter)]);
        }
    }

    public override async Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel)
    {
        var attempt = unit.Attempts[0];
        var splits = await ReadAsync(unit.Progress, cancel);
        var folder = environment.Models.BeginStage(attempt.Partition.Key, attempt.Fence);
        var training = new ModelTraining(job, unit.Progress);
        var manifest = training.Run(splits, TrainingRowsProfile(), folder, int.Parse(attempt.Partition.Key.Value, CultureInfo.InvariantCulture), trainingSet!.Partition.ContentDigest, environment.Scorers, cancel);
        var staged = environment.Models.CompleteStage(attempt.Partition.Key, attempt.Fence, manifest.Digest);
        return [new PartitionResult(staged, new Dictionary<DatasetName, long> { [environment.Sink.LineageNameOf(job.TrainingSet.Name)] = trainingSet.Partition.Rows }, [])];
    }

    Profile TrainingRowsProfile()
    {
        var file = trainingSet!.Partition.Files.First(f => f.Kind == FileKind.Profile);
        return Profile.FromJson(CommittedFile.Read(environment.Sink.PathOf(trainingSet, file), file));
    }

    async Task<IReadOnlyDictionary<string, List<RecordBatch>>> ReadAsync(UnitProgress progress, CancellationToken cancel)
    {
        using var reading = progress.Measure("read");
        var query = job.TrainingSet.Query;
        string[] columns = [.. query.ModelFeatures, query.Label!.Name, TrainingSetJob.SplitColumn, .. job.TrainingSet.Sampling is null ? [] : new[] { Sampling.WeightColumn }];
        var splits = TimeSplit.Names.ToDictionary(n => n, _ => new List<RecordBatch>());
        await foreach (var batch in environment.Sink.ReadAsync(trainingSet!, columns, cancel))
        {
            using (batch)
            {
                var split = (StringArray)batch.Column(TrainingSetJob.SplitColumn);
                foreach (var name in TimeSplit.Names)
                {
                    var bytes = System.Text.Encoding.UTF8.GetBytes(name);
                    var rows = Enumerable.Range(0, batch.Length).Where(i => split.GetBytes(i).SequenceEqual(bytes)).ToArray();
                    if (rows.Length > 0) splits[name].Add(new RecordBatch(batch.Schema, batch.Arrays.Select(a => Columns.Take(a, rows)), rows.Length));
                }
                progress.AddRows(batch.Length);
            }
        }
        return splits;
    }
}
