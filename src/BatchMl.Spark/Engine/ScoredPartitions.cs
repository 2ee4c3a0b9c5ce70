using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Monitoring;
using BatchMl.Scoring;

namespace BatchMl.Spark.Engine;

/// <summary>What a scoring task answers: a row for each partition that it staged.</summary>
static class ScoredPartitions
{
    public const string Ddl = "root STRING, staged STRING, profile BINARY";

    static readonly Schema schema = new([new Field("root", StringType.Default, false), new Field("staged", StringType.Default, false), new Field("profile", BinaryType.Default, false)], null);

    static readonly JsonSerializerOptions json = new() { Converters = { new JsonStringEnumConverter() } };

    public static RecordBatch ToBatch(string root, ScoredPartition scored) => new(
        schema,
        [new StringArray.Builder().Append(root).Build(), new StringArray.Builder().Append(JsonSerializer.Serialize(scored.Staged, json)).Build(), new BinaryArray.Builder().Append(scored.Profile.ToJson().AsSpan()).Build()], 1);

    public static IEnumerable<(string Root, ScoredPartition Scored)> FromBatch(RecordBatch batch)
    {
        var (roots, staged, profiles) = ((StringArray)batch.Column(0), (StringArray)batch.Column(1), (BinaryArray)batch.Column(2));
        for (var i = 0; i < batch.Length; i++)
            yield return (roots.GetString(i), new ScoredPartition(JsonSerializer.Deserialize<StagedPartition>(staged.GetString(i), json)!, Profile.FromJson(profiles.GetBytes(i))));
    }
}
