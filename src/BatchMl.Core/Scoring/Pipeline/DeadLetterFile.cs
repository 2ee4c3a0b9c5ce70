using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>Makes dead letters of rows, and NDJSON of dead letters.</summary>
sealed class DeadLetterFile(ModelManifest model)
{
    internal const string Name = "dead_letters.ndjson";

    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly MemoryStream lines = new();

    /// <summary>Letters so far; few, as a run's budget of dead letters bounds them.</summary>
    internal long Count { get; private set; }

    internal ReadOnlyMemory<byte> Content => lines.GetBuffer().AsMemory(0, (int)lines.Length);

    /// <summary>Adds a row.</summary>
    /// <param name="ordinal">The row within its partition's spine.</param>
    /// <param name="failed">Why it failed, and which row of <paramref name="rows"/> it is.</param>
    /// <param name="rows">Its batch.</param>
    internal void Add(long ordinal, FailedRow failed, RecordBatch rows)
    {
        var letter = new DeadLetter(ordinal, failed.Stage, failed.Reason, Values(rows, failed.Row), $"{model.Name}@{model.Version}", model.Digest);
        JsonSerializer.Serialize(lines, letter, Json);
        lines.WriteByte((byte)'\n');
        Count++;
    }

    static JsonObject Values(RecordBatch rows, int row)
    {
        var values = new JsonObject();
        for (var i = 0; i < rows.ColumnCount; i++) values[rows.Schema.GetFieldByIndex(i).Name] = Value(rows.Column(i), row);
        return values;
    }

    static JsonNode? Value(IArrowArray column, int row) => (Columns.TypeOf(column.Data.DataType), Columns.ValueAt(column, row)) switch
    {
        (_, null) => null,
        (ColumnType.Timestamp, long microseconds) => Time(microseconds),
        (ColumnType.Date, int days) => Day(days),
        (_, bool flag) => flag,
        (_, long number) => number,
        (_, double number) when double.IsFinite(number) => number,
        (_, object[] items) => new JsonArray([.. items.Select(i => (JsonNode?)Convert.ToString(i, CultureInfo.InvariantCulture))]),
        (_, byte[] bytes) => Convert.ToBase64String(bytes),
        (_, { } other) => Convert.ToString(other, CultureInfo.InvariantCulture),
    };

    // What .NET's calendar can not say is said in microseconds or days since 1970.
    static JsonNode Time(long microseconds) => microseconds is >= -62_135_596_800_000_000 and <= 253_402_300_799_999_999
        ? DateTime.UnixEpoch.AddMicroseconds(microseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)
        : microseconds;

    static JsonNode Day(int days) => days is >= -719_162 and <= 2_932_896
        ? DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
        : days;
}
