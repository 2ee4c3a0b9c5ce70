using System.Text.Json.Nodes;

namespace BatchMl.BigQuery.Tests;

/// <summary>Google's own client takes the stand-in for BigQuery: what it gets from each of its calls.</summary>
public sealed class NodeConformanceTests(ITestOutputHelper output)
{
    /// <summary>A row with everything, one of nulls, one of edges.</summary>
    public const string EveryType = """
        SELECT DATE '2026-10-01' AS day, 1::BIGINT AS i, 1.5::DOUBLE AS f, true AS b, 'ä "x"' AS s, '\x00\xFF'::BLOB AS y, TIMESTAMPTZ '2026-10-01 12:34:56.789012+00' AS ts, TIMESTAMP '2026-10-01 12:34:56.5' AS dt,
          TIME '01:02:03' AS t, 1.25::DECIMAL(18,4) AS n, '{"k": 1}' AS j, ['a', 'b'] AS l, {'x': 7::BIGINT, 'z': ['p', 'q']} AS r
        UNION ALL SELECT DATE '2026-10-01', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        UNION ALL SELECT DATE '2026-10-01', 9223372036854775807, 'NaN'::DOUBLE, false, '', ''::BLOB, TIMESTAMPTZ '1900-01-01 00:00:00+00', TIMESTAMP '0001-01-01 00:00:00', TIME '23:59:59.999999', -0.0001, '[]', [], {'x': NULL, 'z': []}
        """;

    /// <summary>What the client shows of each step; of an error its code and reason, since messages are not to be relied on. Errors of jobs have no code.</summary>
    static readonly (string Step, string Expected)[] expected =
    [
        ("dataset is missing", "false"),
        ("create dataset", """{"id":"test-project:ml","location":"EU","labels":{"team":"ml"}}"""),
        ("create dataset twice", """{"code":409,"reason":"duplicate"}"""),
        ("dataset exists", "true"),
        ("create table", """{"id":"test-project:ml.every","type":"TABLE","location":"EU","labels":{"kind":"test"},"clustering":{"fields":["i"]},"timePartitioning":{"type":"DAY","field":"day"},"numRows":"0","types":"DATE INTEGER FLOAT BOOLEAN STRING BYTES TIMESTAMP DATETIME TIME NUMERIC JSON STRING RECORD"}"""),
        ("create table twice", """{"code":409,"reason":"duplicate"}"""),
        ("create table with a bad partition", """{"code":400,"reason":"invalid"}"""),
        ("missing table", """{"code":404,"reason":"notFound"}"""),
        ("missing dataset", """{"code":404,"reason":"notFound"}"""),
        ("load", """{"state":"DONE","jobId":"load-1","location":"EU","outputRows":"3"}"""),
        ("load under the same id", """{"code":409,"reason":"duplicate"}"""),
        ("load of a wrong day", """{"code":null,"reason":"invalid"}"""),
        ("load into nothing", """{"code":null,"reason":"notFound"}"""),
        ("rows", """
            [{"day":"2026-10-01","i":"1","f":1.5,"b":true,"s":"ä \"x\"","y":"AP8=","ts":"2026-10-01T12:34:56.789012000Z","dt":"2026-10-01T12:34:56.500000","t":"01:02:03","n":"1.25","j":"{\"k\":1}","l":["a","b"],"r":{"x":"7","z":["p","q"]}},
             {"day":"2026-10-01","i":null,"f":null,"b":null,"s":null,"y":null,"ts":null,"dt":null,"t":null,"n":null,"j":null,"l":[],"r":null},
             {"day":"2026-10-01","i":"9223372036854775807","f":"NaN","b":false,"s":"","y":"","ts":"1900-01-01T00:00:00.000Z","dt":"0001-01-01T00:00:00","t":"23:59:59.999999","n":"-0.0001","j":"[]","l":[],"r":{"x":null,"z":[]}}]
            """),
        ("rows by pages", "[1,1,1]"),
        ("basic metadata", """{"numRows":null}"""),
        ("metadata", """{"numRows":"3","numPartitions":"1"}"""),
        ("query", """[{"s":"ä \"x\"","i":"1","ts":"2026-10-01T12:34:56.789012000Z","l":["a","b"]},{"s":"","i":"9223372036854775807","ts":"1900-01-01T00:00:00.000Z","l":[]}]"""),
        ("query of another location", """{"code":404,"reason":"notFound"}"""),
        ("query by pages", "[2,1]"),
        ("query with a mistake", """{"code":400,"reason":"invalidQuery"}"""),
        ("query of a missing table", """{"code":404,"reason":"notFound"}"""),
        ("query without rows", "[]"),
        // Two integers that are not null, eight bytes each.
        ("dry run", """{"bytes":"16","type":"SELECT"}"""),
        ("too many bytes", """{"code":400,"reason":"bytesBilledLimitExceeded"}"""),
        ("merge", """{"insertedRowCount":"1","updatedRowCount":"1","deletedRowCount":"0"}"""),
        ("merge is there", """[{"i":1,"s":"new"},{"i":77,"s":"more"}]"""),
        ("patch", """{"description":"every type","labels":{"more":"x"}}"""),
        ("patch a stale table", """{"code":412,"reason":"conditionNotMet"}"""),
        ("add a column", "14"),
        ("drop a column", """{"code":400,"reason":"invalid"}"""),
        ("filter is required", """{"code":400,"reason":"invalidQuery"}"""),
        ("filter is there", """[{"n":4}]"""),
        ("copy", """{"state":"DONE","copiedRows":"4"}"""),
        ("copied table", """{"numRows":"4","timePartitioning":{"type":"DAY","field":"day"}}"""),
        ("copy onto rows", """{"code":null,"reason":"duplicate"}"""),
        ("list tables", """["copied","every"]"""),
        ("list datasets", """["ml"]"""),
        ("view", """[{"n":4}]"""),
        ("job elsewhere", """{"code":404,"reason":"notFound"}"""),
        ("cancel", "\"stopped\""),
        ("delete partition", """{"numRows":"0"}"""),
        ("delete table", "false"),
        ("delete dataset with tables", """{"code":400,"reason":"resourceInUse"}"""),
        ("delete dataset", "false"),
    ];

    [Fact]
    public async Task Each_step_gets_what_BigQuery_would_answer()
    {
        await using var bq = await BigQueryFixture.StartAsync(location: null);

        var steps = await Node.RunAsync("conformance.mjs", bq.Fake.Url, bq.Parquet(EveryType), bq.Parquet($"SELECT * REPLACE (day + 1 AS day) FROM ({EveryType})"));

        foreach (var (name, value) in steps) output.WriteLine($"{name}: {value?.ToJsonString()}");
        Assert.Equal(expected.Select(e => e.Step), steps.Keys);
        foreach (var (name, wanted) in expected)
        {
            var got = steps[name];
            (got as JsonObject)?.Remove("message");
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(wanted), got), $"{name}: expected {wanted}, got {got?.ToJsonString()}");
        }
        // Requests that the stand-in does not know would have been answered by Kestrel without JSON.
        Assert.DoesNotContain(bq.Fake.Requests, r => r.Status == 500);
    }
}
