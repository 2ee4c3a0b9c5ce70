using System.Text.Json.Nodes;
using BatchMl.BigQuery.Client;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>What one client loads the other reads, both held against DuckDB's own reading of the file.</summary>
public sealed class CrossReadTests
{
    /// <summary>Types whose text is the same in all three.</summary>
    const string Rows = """
        SELECT DATE '2026-10-01' + (i % 3)::INT AS day, i * 922337203685477 AS i, i / 7.0 AS f, i % 2 = 0 AS b, CASE WHEN i % 5 = 0 THEN NULL ELSE 'näme ' || i END AS s,
          TIMESTAMPTZ '2026-10-01 00:00:00+00' + INTERVAL (i * 1000001) MICROSECOND AS ts, (i * 0.0625)::DECIMAL(18,4) AS n, [i, i + 1] AS l, {'x': i, 'y': 'in ' || i} AS r
        FROM range(500) t(i)
        """;

    const string Fields = """
        [{"name":"day","type":"DATE"},{"name":"i","type":"INTEGER"},{"name":"f","type":"FLOAT"},{"name":"b","type":"BOOLEAN"},{"name":"s","type":"STRING"},{"name":"ts","type":"TIMESTAMP"},{"name":"n","type":"NUMERIC"},
         {"name":"l","type":"INTEGER","mode":"REPEATED"},{"name":"r","type":"RECORD","fields":[{"name":"x","type":"INTEGER"},{"name":"y","type":"STRING"}]}]
        """;

    static BigQuerySchema Schema { get; } = new([
        Column("day", "DATE"), Column("i", "INTEGER"), Column("f", "FLOAT"), Column("b", "BOOLEAN"), Column("s", "STRING"), Column("ts", "TIMESTAMP"), Column("n", "NUMERIC"), Column("l", "INTEGER", "REPEATED"),
        new() { Name = "r", Type = "RECORD", Fields = [Column("x", "INTEGER"), Column("y", "STRING")] }]);

    /// <summary>The file as DuckDB reads it, a text a row.</summary>
    static List<string> Expected(string file) => Parquet.Query($"""
        SELECT concat_ws('|', day, i, coalesce(s, 'null'), b, epoch_us(ts), CAST(n AS DOUBLE), l[1], l[2], r.x, r.y) || '|' || f FROM read_parquet('{file}') ORDER BY i
        """);

    [Fact]
    public async Task Node_reads_what_this_client_loaded()
    {
        await using var bq = await StartAsync();
        var file = bq.Parquet(Rows);
        await bq.Client.Jobs.RunAsync("ours", Load(bq.Dataset.Table("t"), schema: Schema), file, Cancellation);

        var rows = (await Node.RunAsync("operate.mjs", bq.Fake.Url, "rows", "ml.t"))["rows"]!.AsArray();
        var queried = (await Node.RunAsync("operate.mjs", bq.Fake.Url, "query", "SELECT * FROM `ml.t` ORDER BY i"))["query"]!.AsArray();

        Assert.Equal(Expected(file), rows.Select(Text));
        Assert.Equal(Expected(file), queried.Select(Text));

        static string Text(JsonNode? row) => string.Join('|', row!["day"], row["i"], row["s"]?.ToString() ?? "null", row["b"], Microseconds(row["ts"]!.ToString()), Number(row["n"]), row["l"]![0], row["l"]![1], row["r"]!["x"], row["r"]!["y"], Number(row["f"]));
    }

    [Fact]
    public async Task This_client_reads_what_Node_loaded()
    {
        await using var bq = await StartAsync();
        var file = bq.Parquet(Rows);
        var metadata = $$"""{"sourceFormat":"PARQUET","location":"EU","parquetOptions":{"enableListInference":true},"schema":{"fields":{{Fields}} } }""";
        Assert.Equal("DONE", (await Node.RunAsync("operate.mjs", bq.Fake.Url, "load", "ml.t", file, metadata))["load"]!.ToString());

        var rows = await bq.Client.Rows.ReadAsync(bq.Dataset.Table("t"), pageSize: 70, cancellation: Cancellation).ToListAsync(Cancellation);
        var run = await bq.Client.Jobs.RunAsync("read", new() { Query = new() { Query = "SELECT * FROM `ml.t` ORDER BY i", DefaultDataset = bq.Dataset } }, cancellation: Cancellation);
        var result = await bq.Client.Rows.ReadAsync(run.Job.JobReference!, 70, Cancellation);

        Assert.Equal(Expected(file), rows.Select(Text));
        Assert.Equal(500, result.TotalRows);
        Assert.Equal(["DATE", "INTEGER", "FLOAT", "BOOLEAN", "STRING", "TIMESTAMP", "NUMERIC", "INTEGER", "RECORD"], result.Schema.Fields.Select(f => f.Type));
        Assert.Equal(Expected(file), await result.Rows.Select(Text).ToListAsync(Cancellation));

        static string Text(BigQueryRow row) => string.Join('|', row.Text(0), row.Text(1), row.Text(4) ?? "null", row.Text(3), row.Text(5), Number(row.Text(6)), row.Items(7).First(), row.Items(7).Last(), row.Record(8).Text(0), row.Record(8).Text(1), Number(row.Text(2)));
    }

    static string Number(object? text)
    {
        var number = double.Parse(text!.ToString()!, System.Globalization.CultureInfo.InvariantCulture);
        // As DuckDB writes doubles.
        return number == Math.Floor(number) ? number.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture) : number.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
    }

    static long Microseconds(string iso) => (DateTimeOffset.Parse(iso, System.Globalization.CultureInfo.InvariantCulture) - DateTimeOffset.UnixEpoch).Ticks / 10;
}
