using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Lineage;
using BatchMl.Monitoring;
using BatchMl.Runs;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>What a <see cref="MonitorJob"/> will do.</summary>
sealed class MonitorPlan : JobPlan
{
    const int UnitPartitions = 31;

    readonly MonitorJob job;
    readonly JobEnvironment environment;
    readonly IPinnedQuery labels;
    readonly IReadOnlyDictionary<string, SpinePartition> days;
    readonly PublishedModel? model;
    readonly Dictionary<string, CommittedVersion> scored;

    public MonitorPlan(
        MonitorJob job, JobEnvironment environment, IPinnedQuery labels, IReadOnlyList<LedgerEntry> scored, IReadOnlyDictionary<string, SpinePartition> days, PublishedModel? model)
    {
        (this.job, this.environment, this.labels, this.days, this.model) = (job, environment, labels, days, model);
        this.scored = scored.ToDictionary(e => e.Key.Value, e => e.Committed!);
        Partitions = [.. scored.Select(Plan)];
    }

    PlannedPartition Plan(LedgerEntry entry)
    {
        var value = entry.Key.Value;
        var version = entry.Committed!;
        var day = days.GetValueOrDefault(value);
        var profile = version.Staged.Files.First(f => f.Kind == FileKind.Profile).Sha256;
        var inputs = $"{version.Staged.ContentDigest}|{profile}|{(day is null ? "" : labels.InputsDigest(day))}|{day?.Labelled}";
        var fingerprint = model is null ? null : new Fingerprint(
            QueryText.Digest(job.Labels, job.Rules.ToString()), model.Package.Manifest.Digest, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(inputs))), Versions.Of(job));
        var (start, end) = day is null ? (null, null) : NominalTime.Of(job.Labels, day);
        return new PlannedPartition(
            entry.Key with { Sink = environment.Sink.Name, Dataset = job.Name }, fingerprint, version.Staged.Rows, version.Staged.Files.Sum(f => f.Bytes), start, end);
    }

    public override DatasetJob Job => job;
    public override ISink Sink => environment.Sink;
    public override IReadOnlyList<PlannedPartition> Partitions { get; }
    public override IReadOnlyList<string> Missing => scored.Count == 0 || model is null ? [$"scored partitions of {job.Score.Name}, which that job makes"] : [];

    public override IReadOnlyList<PlanSection> Describe() =>
    [
        new("scores", [$"dataset {job.Score.Name}, {scored.Count} partitions"]),
        new("reference", [model is null ? $"of model {job.Score.Model} (not made yet)" : $"training rows of {job.Score.Model}@{model.Version}; its scores on test rows"]),
        new("labels", [.. QueryText.Describe(job.Labels).Single(s => s.Title == "label").Lines]),
        new("rules", [job.Rules.ToString()]),
        PlanText.Output(environment.Sink, job.Name, job.Score.Query.Spine.PartitionName, MonitorRows.Schema),
    ];

    public override JobLineage Lineage
    {
        get
        {
            var scores = Scored().Select(environment.Scores.LineageNameOf).ToArray();
            var query = new QueryLineage(job.Labels, QueryLineage.NamesOf(labels));
            IReadOnlyList<ColumnOrigin> value = [.. scores.Select(s => new ColumnOrigin(s, "score", Transformation.Aggregation)), .. query.Columns[job.Labels.Label!.Name].Where(o => o.Transformation is Transformation.Identity or Transformation.Transformed).Select(o => o with { Transformation = Transformation.Aggregation })];
            return new JobLineage(
                [.. QueryLineage.Inputs(labels), .. scores.Select(s => new LineageDataset(s, [new LineageField("score", "double")]))],
                Datasets.Output(environment.Sink, job.Name, MonitorRows.Schema),
                new Dictionary<string, IReadOnlyList<ColumnOrigin>> { ["value"] = value, ["level"] = value }, []);
        }
    }

    // Where scores are kept by model version, what is current may be of several.
    IEnumerable<string> Scored() => scored.Values.Select(v => v.Staged.Key.Dataset).DefaultIfEmpty(job.Score.Name).Distinct().Order(StringComparer.Ordinal);

    public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [.. Grouping.Adjacent(partitions, _ => 1, long.MaxValue, UnitPartitions)];

    public override async Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel)
    {
        var reference = Reference();
        IReadOnlyDictionary<string, ScoredLabels> realised;
        using (unit.Progress.Measure("read")) realised = await RealisedAsync([.. unit.Attempts.Select(a => a.Partition.Key.Value)], cancel);
        var results = new List<PartitionResult>();
        foreach (var attempt in unit.Attempts)
        {
            var value = attempt.Partition.Key.Value;
            var version = scored[value];
            JudgedPartition judged;
            using (unit.Progress.Measure("compare")) judged = Judge(version, reference, realised.GetValueOrDefault(value));
            using var writing = unit.Progress.Measure("write");
            await using var stage = await environment.Sink.StageAsync(attempt.Partition.Key, attempt.Fence, MonitorRows.Schema, cancel);
            await stage.WriteAsync(MonitorRows.Of(judged), cancel);
            await stage.AddFileAsync(FileKind.Artifact, "judged.json", judged.ToJson(), 0, cancel);
            var staged = await stage.CompleteAsync(cancel);
            unit.Progress.AddRows(version.Staged.Rows);
            results.Add(new PartitionResult(staged, new Dictionary<DatasetName, long> { [environment.Scores.LineageNameOf(version.Staged.Key.Dataset)] = version.Staged.Rows }, []));
        }
        return results;
    }

    JudgedPartition Judge(CommittedVersion version, Profile reference, ScoredLabels? pairs)
    {
        var drift = Drift.Compare(reference, ReadProfile(version), job.Rules);
        var metrics = pairs is null || pairs.Scores.Count == 0 ? null : BinaryMetrics.Of(pairs.Scores.ToArray(), pairs.Labels.ToArray());
        return new JudgedPartition(version.Staged.Rows, version.Staged.DeadLetters, drift, metrics, metrics?.Rows ?? 0);
    }

    Profile Reference() => Profile.FromJson(model!.Find(ModelTraining.ReferenceFile)!);

    Profile ReadProfile(CommittedVersion version)
    {
        var file = version.Staged.Files.First(f => f.Kind == FileKind.Profile);
        var manifest = new PartitionManifest(1, version.Staged, version.RunId, version.Fingerprint.Value, version.CommittedAt);
        return Profile.FromJson(CommittedFile.Read(environment.Scores.PathOf(manifest, file), file));
    }

    /// <summary>Scores with their labels, by partition, where labels are known. Rows meet by key and as_of; equal ones in order.</summary>
    async Task<IReadOnlyDictionary<string, ScoredLabels>> RealisedAsync(IReadOnlyList<string> partitions, CancellationToken cancel)
    {
        var asked = partitions.Where(p => days.GetValueOrDefault(p) is { } d && d.Labelled != 0 || job.Labels.Label is FutureLabel).Select(p => days[p]).ToArray();
        var keys = job.Score.Query.Spine.KeyColumns.Intersect(job.Score.Keep).Append(FeatureQuery.AsOf).ToArray();
        var known = new Dictionary<string, Queue<double>>(StringComparer.Ordinal);
        var result = new Dictionary<string, ScoredLabels>(StringComparer.Ordinal);
        if (asked.Length == 0) return result;
        await foreach (var rows in labels.ComputeAsync(asked, null, cancel))
        {
            using (rows)
            {
                var values = LabelValues.Of(rows.Batch.Column(job.Labels.Label!.Name));
                var columns = keys.Select(k => rows.Batch.Column(k)).ToArray();
                for (var i = 0; i < values.Length; i++)
                {
                    var key = RowKey(columns, i);
                    if (!known.TryGetValue(key, out var queue)) known[key] = queue = new Queue<double>();
                    queue.Enqueue(values.Values[i]);
                }
            }
        }
        foreach (var day in asked) result[day.Value] = await PairAsync(scored[day.Value], keys, known, cancel);
        return result;
    }

    async Task<ScoredLabels> PairAsync(CommittedVersion version, string[] keys, Dictionary<string, Queue<double>> known, CancellationToken cancel)
    {
        var pairs = new ScoredLabels([], []);
        var manifest = new PartitionManifest(1, version.Staged, version.RunId, version.Fingerprint.Value, version.CommittedAt);
        var score = model!.Package.Manifest.Signature.Outputs[0].Name;
        await foreach (var batch in environment.Scores.ReadAsync(manifest, [.. keys, score], cancel))
        {
            using (batch)
            {
                var columns = keys.Select(k => Columns.Normalize(batch.Column(k))).ToArray();
                var scores = (DoubleArray)Columns.Normalize(batch.Column(score));
                for (var i = 0; i < scores.Length; i++)
                {
                    if (!known.TryGetValue(RowKey(columns, i), out var queue) || !queue.TryDequeue(out var label) || double.IsNaN(label)) continue;
                    pairs.Scores.Add(scores.Values[i]);
                    pairs.Labels.Add(label);
                }
            }
        }
        return pairs;
    }

    sealed record ScoredLabels(List<double> Scores, List<double> Labels);

    static string RowKey(IArrowArray[] columns, int row)
    {
        var text = new StringBuilder();
        foreach (var column in columns) text.Append(Columns.ValueAt(column, row) is { } v ? FormattableString.Invariant($"{v}") : "\u0001").Append('\u0000');
        return text.ToString();
    }

    public override void VerifyInputs() => labels.Verify();

    public override async Task<IReadOnlyList<string>> FinishAsync(JobEnvironment environment, CancellationToken cancel)
    {
        var path = Path.Combine(environment.Workspace.Reports, job.Name + ".html");
        using var held = await FileLock.TakeAsync(environment.Workspace.Locks, "report", environment.Clock, cancel);
        // A run that made partitions may have died before their report: what a report is of is written in it.
        var of = $"<!-- of {await LedgerDigestAsync(cancel)} -->\n";
        if (!File.Exists(path) || !(await File.ReadAllTextAsync(path, cancel)).EndsWith(of, StringComparison.Ordinal))
        {
            var data = await ReportDataAsync(cancel);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            DurableFiles.AtomicReplace(path, Encoding.UTF8.GetBytes(DriftReport.Render(data) + of), "new");
        }
        return [$"report: {path}"];
    }

    async Task<string> LedgerDigestAsync(CancellationToken cancel)
    {
        var ledger = await environment.Catalog.LedgerAsync(environment.Sink.Name, job.Name, cancel);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', ledger.Select(e => FormattableString.Invariant($"{e.Key} {e.Committed?.Staged.Fence}"))))));
    }

    async Task<DriftReportData> ReportDataAsync(CancellationToken cancel)
    {
        var partitions = new List<DriftReportPartition>();
        foreach (var planned in Partitions)
        {
            if (await environment.Sink.ReadManifestAsync(planned.Key, cancel) is not { } manifest) continue;
            var file = manifest.Partition.Files.First(f => f.Name.Contains("judged", StringComparison.Ordinal));
            var judged = JudgedPartition.FromJson(CommittedFile.Read(environment.Sink.PathOf(manifest, file), file));
            partitions.Add(new DriftReportPartition(planned.Key.Value, judged.Rows, judged.DeadLetters, ReadProfile(scored[planned.Key.Value]), judged.Columns, judged.Realised, judged.Labelled));
        }
        var pairs = await RealisedAsync([.. partitions.Select(p => p.Value)], cancel);
        double[] scores = [.. pairs.Values.SelectMany(p => p.Scores)], truth = [.. pairs.Values.SelectMany(p => p.Labels)];
        var package = model!.Package.Manifest;
        return new DriftReportData
        {
            Job = job.Name,
            Model = $"{package.Name}@{package.Version}",
            ModelDigest = package.Digest,
            PartitionColumn = job.Score.Query.Spine.PartitionName,
            Reference = Reference(),
            Splits = model.Find(ModelEvaluation.FileName) is { } evaluation ? ModelEvaluation.FromJson(evaluation).Splits : new Dictionary<string, BinaryMetrics>(),
            Partitions = partitions,
            Realised = scores.Length == 0 ? null : BinaryMetrics.Of(scores, truth),
            Curves = scores.Length == 0 ? null : BinaryCurves.Of(scores, truth),
        };
    }

    public override void Dispose()
    {
        labels.Dispose();
        base.Dispose();
    }
}

/// <summary>What was found of one partition; kept beside its rows for the report.</summary>
sealed record JudgedPartition(long Rows, long DeadLetters, IReadOnlyList<ColumnDrift> Columns, BinaryMetrics? Realised, long Labelled)
{
    static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, Converters = { new JsonStringEnumConverter() } };

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    public static JudgedPartition FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<JudgedPartition>(json, Json)!;
}

/// <summary>The rows of a monitored partition: one per column and metric, and one per realised metric (column null).</summary>
static class MonitorRows
{
    public static readonly Schema Schema = new(
    [
        new Field("column", Columns.ArrowType(ColumnType.String), true), new Field("metric", Columns.ArrowType(ColumnType.String), false),
        new Field("value", Columns.ArrowType(ColumnType.Double), true), new Field("level", Columns.ArrowType(ColumnType.String), true),
    ], null);

    public static RecordBatch Of(JudgedPartition judged)
    {
        var (column, metric, value, level) = (new StringArray.Builder(), new StringArray.Builder(), new DoubleArray.Builder(), new StringArray.Builder());
        foreach (var c in judged.Columns)
        {
            var text = c.Level.ToString().ToLowerInvariant();
            foreach (var (name, number) in new[] { (c.Test, c.Statistic), ("p_value", c.PValue), ("adjusted_p_value", c.AdjustedPValue), ("psi", c.Psi), ("missing_share", c.MissingShare), ("reference_missing_share", c.ReferenceMissingShare), ("adjusted_missing_p_value", c.AdjustedMissingPValue) })
            {
                Add(c.Column, name, number, text);
            }
        }
        Add(null, "rows", judged.Rows, null);
        Add(null, "dead_letters", judged.DeadLetters, null);
        Add(null, "labelled", judged.Labelled, null);
        if (judged.Realised is { } r)
        {
            foreach (var (name, number) in new[] { ("auc", r.Auc), ("average_precision", r.AveragePrecision), ("log_loss", r.LogLoss), ("brier", r.Brier), ("calibration_error", r.CalibrationError) }) Add(null, name, number, null);
        }
        return new RecordBatch(Schema, [column.Build(), metric.Build(), value.Build(), level.Build()], metric.Length);

        void Add(string? c, string m, double v, string? l)
        {
            column.Append(c);
            metric.Append(m);
            if (double.IsNaN(v)) value.AppendNull();
            else value.Append(v);
            level.Append(l);
        }
    }
}
