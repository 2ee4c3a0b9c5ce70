using System.Text.Json;
using System.Text.Json.Nodes;
using Apache.Arrow;
using BatchMl.Engine;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>
/// Writes a training set's recipe: definitions, inputs with digests, as-of range, rows per split, null shares. Holds no time of making and no run, so the same recipe
/// is the same bytes.
/// </summary>
sealed class RecipeBuilder(TrainingSetJob job, TimeSplit timeSplit, IPinnedQuery pinned)
{
    readonly Dictionary<string, long> splits = TimeSplit.Names.ToDictionary(n => n, _ => 0L);
    readonly Dictionary<string, long> nulls = [];
    long minAsOf = long.MaxValue, maxAsOf = long.MinValue, rows;

    /// <summary>Rows of the spine, with and without label or split.</summary>
    public long SpineRows { get; private set; }

    /// <summary>Training rows that a sample is of; null: all are kept.</summary>
    public long? SampledFrom { private get; set; }

    public void AddSpine(int spineRows) => SpineRows += spineRows;

    public void Add(RecordBatch kept)
    {
        rows += kept.Length;
        var split = (StringArray)kept.Column(TrainingSetJob.SplitColumn);
        for (var i = 0; i < kept.Length; i++) splits[split.GetString(i)]++;
        foreach (var field in kept.Schema.FieldsList) nulls[field.Name] = nulls.GetValueOrDefault(field.Name) + kept.Column(field.Name).NullCount;
        foreach (var t in ((TimestampArray)kept.Column(FeatureQuery.AsOf)).Values)
        {
            minAsOf = Math.Min(minAsOf, t);
            maxAsOf = Math.Max(maxAsOf, t);
        }
    }

    /// <summary>A model can not be trained or judged without rows in each split.</summary>
    public void CheckSplits()
    {
        if (splits.FirstOrDefault(s => s.Value == 0) is { Key: { } empty })
        {
            throw new DataException(
                $"Training set '{job.Name}' has no rows in split '{empty}' ({string.Join(", ", splits.Select(s => $"{s.Key} {s.Value}"))} of {SpineRows} spine rows; {timeSplit}). "
                + "Check the split's dates against the source's, and when labels are known.");
        }
    }

    public byte[] ToJson()
    {
        var definitions = new JsonObject();
        foreach (var section in QueryText.Describe(job.Query)) definitions[section.Title] = new JsonArray([.. section.Lines.Select(l => JsonValue.Create(l))]);
        var recipe = new JsonObject
        {
            ["format_version"] = 1,
            ["job"] = job.Name,
            ["feature_service"] = $"{job.Query.Service!.Name}@{job.Query.Service.Version}",
            ["definitions"] = definitions,
            ["split"] = timeSplit.ToString(),
            ["inputs"] = new JsonArray([.. pinned.Sources.DistinctBy(s => s.Source.Name).Select(Input)]),
            ["as_of"] = new JsonObject { ["min"] = Instant(minAsOf), ["max"] = Instant(maxAsOf) },
            ["spine_rows"] = SpineRows,
            ["rows"] = rows,
            ["rows_by_split"] = new JsonObject(splits.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value))),
            ["null_share"] = new JsonObject(nulls.Select(n => KeyValuePair.Create(n.Key, (JsonNode?)(rows == 0 ? 0 : (double)n.Value / rows)))),
        };
        if (SampledFrom is { } all) recipe["sampling"] = new JsonObject { ["rule"] = job.Sampling!.ToString(), ["of_training_rows"] = all };
        return JsonSerializer.SerializeToUtf8Bytes(recipe, Indented);
    }

    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static JsonObject Input(PinnedSource source) => new()
    {
        ["source"] = source.Source.Name,
        ["files"] = new JsonArray([.. source.Snapshot.Files.Select(f => new JsonObject { ["name"] = Path.GetFileName(f.Path), ["bytes"] = f.Size, ["digest"] = f.Digest })]),
    };

    string? Instant(long microseconds) => rows == 0 ? null : ArrowColumns.FromUnixMicroseconds(microseconds).ToString("O", System.Globalization.CultureInfo.InvariantCulture);
}
