using BatchMl.Data;
using BatchMl.DuckDb;
using BatchMl.Hosting;
using BatchMl.Parquet;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Features for the rows of somebody's file, against the training set that the job made of the same rows.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class FeaturesVerbTests(FlightDelaysRun run)
{
    const string Keys = "carrier, tailnum, origin, dest, scheduled, distance, flight_date, as_of";

    string TrainingSet => Path.Combine(run.Workspace, "datasets", "flight-delays", "training-set", "*", "part-*.parquet");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync(["features", "flight-delays/training-set", .. args], Cancel);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Rows of all months in no order, some of them twice, under numbers of their own.</summary>
    void MakeRows(TestFolder folder) => Duck.Execute($"""
        CREATE TABLE t AS SELECT *, hash(carrier, flight, origin, as_of) AS h FROM read_parquet('{TrainingSet}');
        CREATE TABLE s AS SELECT * FROM t WHERE h % 89 = 0 UNION ALL SELECT * FROM t WHERE h % 890 = 0;
        CREATE TABLE n AS SELECT row_number() OVER (ORDER BY h % 1009, h) AS id, [id, id + 1] AS pair, * EXCLUDE (h) FROM s;
        COPY (SELECT * FROM n ORDER BY id) TO '{folder.At("expected.parquet")}' (FORMAT parquet);
        COPY (SELECT id, pair, {Keys} FROM n ORDER BY id) TO '{folder.At("rows.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 2048);
        COPY (SELECT id, '' AS empty, {Keys.Replace("as_of", "strftime(as_of, '%Y-%m-%dT%H:%M:%SZ') AS decided_at", StringComparison.Ordinal)} FROM n ORDER BY id) TO '{folder.At("rows.csv")}' (HEADER);
        """);

    static async Task<Dictionary<string, List<object?>>> ReadAsync(IBatchSource source)
    {
        using var snapshot = await source.OpenAsync(Cancel);
        var names = snapshot.Schema.FieldsList.Select(f => f.Name).ToArray();
        var columns = names.ToDictionary(n => n, _ => new List<object?>());
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(names), Cancel))
        {
            using (batch)
            {
                foreach (var (name, column) in names.Zip(batch.Batch.Arrays))
                {
                    for (var i = 0; i < column.Length; i++) columns[name].Add(Columns.ValueAt(column, i) is var value and double d ? BitConverter.DoubleToInt64Bits(d) : Columns.ValueAt(column, i));
                }
            }
        }
        return columns;
    }

    static readonly string[] notFeatures = ["label_known_at", "late", "split", "flight", "id", "pair", "empty", "decided_at", "period", .. Keys.Split(", ")];

    static void AssertFeaturesAreEqual(Dictionary<string, List<object?>> expected, Dictionary<string, List<object?>> actual)
    {
        var features = expected.Keys.Except(notFeatures).ToArray();
        Assert.InRange(features.Length, 25, 100);
        Assert.Equal(features, actual.Keys.Except(notFeatures));
        Assert.Equal(expected["id"], actual["id"]);
        foreach (var feature in features) Assert.True(expected[feature].SequenceEqual(actual[feature]), feature);
    }

    [Fact]
    public async Task They_are_the_training_sets_bit_for_bit_in_the_order_of_the_file()
    {
        using var folder = new TestFolder();
        MakeRows(folder);
        var (code, output, error) = await RunAsync("--spine", folder.At("rows.parquet"), "--out", folder.At("out.parquet"), "--workspace", folder.At("w"));
        Assert.True(code == 0, output + error);
        var (expected, actual) = (await ReadAsync(new ParquetSource(folder.At("expected.parquet"))), await ReadAsync(new ParquetSource(folder.At("out.parquet"))));
        Assert.InRange(expected["id"].Count, 1_000, 10_000);
        AssertFeaturesAreEqual(expected, actual);
        Assert.Equal(["id", "pair", .. Keys.Split(", ")], actual.Keys.Take(10));
        Assert.Equal(["expected.parquet", "out.parquet", "rows.csv", "rows.parquet"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Through_CSV_they_are_the_same_bits()
    {
        using var folder = new TestFolder();
        MakeRows(folder);
        var (code, output, error) = await RunAsync("--spine", folder.At("rows.csv"), "--out", folder.At("out.csv"), "--as-of", "decided_at", "--workspace", folder.At("w"), "--json");
        Assert.True(code == 0, output + error);
        Assert.Contains("\"rows\":", output, StringComparison.Ordinal);
        var expected = await ReadAsync(new ParquetSource(folder.At("expected.parquet")));
        // What is whole in every row of a text file would be read as whole numbers.
        var types = expected.Where(c => !notFeatures.Contains(c.Key)).ToDictionary(c => c.Key, c => Duck.Ask<string>($"SELECT any_value(typeof(\"{c.Key}\")) FROM '{folder.At("expected.parquet")}'"));
        AssertFeaturesAreEqual(expected, await ReadAsync(new CsvSource(folder.At("out.csv"), types)));
    }

    [Fact]
    public async Task What_the_file_lacks_is_said_all_at_once_before_anything_is_written()
    {
        using var folder = new TestFolder();
        Duck.Execute($"COPY (SELECT 'UA' AS carrier, 12 AS tailnum, 'EWR' AS origin, 'ORD' AS dest, 1.5 AS temp, TIMESTAMPTZ '2013-05-01 12:00:00Z' AS scheduled, 719.0 AS distance) TO '{folder.At("rows.parquet")}' (FORMAT parquet)");
        var (code, _, error) = await RunAsync("--spine", folder.At("rows.parquet"), "--out", folder.At("out.csv"), "--workspace", folder.At("w"));
        Assert.Equal(2, code);
        Assert.Contains("no column 'as_of'", error, StringComparison.Ordinal);
        Assert.Contains("no column 'flight_date' (Date), which the derived feature 'plane_age' reads", error, StringComparison.Ordinal);
        Assert.Contains("Column 'tailnum'", error, StringComparison.Ordinal);
        Assert.Contains("column 'temp', which is the name of a feature", error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("out.csv")));
    }

    [Fact]
    public async Task Rows_without_as_of_are_named()
    {
        using var folder = new TestFolder();
        Duck.Execute($"""
            COPY (SELECT 'UA' AS carrier, 'N12' AS tailnum, 'EWR' AS origin, 'ORD' AS dest, TIMESTAMPTZ '2013-05-01 12:00:00Z' AS scheduled, 719.0::DOUBLE AS distance, DATE '2013-05-01' AS flight_date,
              CASE WHEN i NOT IN (3, 7) THEN TIMESTAMPTZ '2013-05-01 11:00:00Z' END AS as_of FROM range(9) t(i)) TO '{folder.At("rows.parquet")}' (FORMAT parquet)
            """);
        var (code, _, error) = await RunAsync("--spine", folder.At("rows.parquet"), "--out", folder.At("out.parquet"), "--workspace", folder.At("w"));
        Assert.Equal(1, code);
        Assert.Contains("null in 2 rows", error, StringComparison.Ordinal);
        Assert.Contains("rows.parquet row 3, ", error, StringComparison.Ordinal);
        Assert.Contains("rows.parquet row 7 ", error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("out.parquet")));
    }

    [Fact]
    public async Task Columns_of_text_files_have_the_types_that_the_job_knows()
    {
        using var folder = new TestFolder();
        // Guessed, the number would be a whole one, the distance too, and the time without a zone.
        await File.WriteAllTextAsync(folder.At("rows.csv"), "carrier,tailnum,origin,dest,scheduled,distance,flight_date,as_of\nUA,00123,EWR,ORD,2013-05-01 12:00:00,719,2013-05-01,2013-05-01T13:00:00+02:00\n", Cancel);
        var (code, output, error) = await RunAsync("--spine", folder.At("rows.csv"), "--out", folder.At("out.csv"), "--workspace", folder.At("w"));
        Assert.True(code == 0, output + error);
        var lines = await File.ReadAllLinesAsync(folder.At("out.csv"), Cancel);
        Assert.StartsWith("UA,00123,EWR,ORD,2013-05-01T12:00:00Z,719,2013-05-01,2013-05-01T11:00:00Z,", lines[1], StringComparison.Ordinal);
        var departures = lines[1].Split(',')[Array.IndexOf(lines[0].Split(','), "origin_departures_1h")];
        Assert.Equal(departures, Duck.Ask<string>($"""
            SELECT count(*)::VARCHAR FROM (SELECT time_hour + to_minutes(minute) AS occurred, time_hour + to_minutes(minute + dep_delay::BIGINT) AS known FROM '{Path.Combine(Workspaces.Data, "flights.parquet")}' WHERE origin = 'EWR')
            WHERE greatest(occurred, known) <= TIMESTAMPTZ '2013-05-01 11:00:00Z' AND occurred > TIMESTAMPTZ '2013-05-01 10:00:00Z'
            """));
    }

    [Fact]
    public async Task A_table_of_features_that_is_missing_is_named()
    {
        using var folder = new TestFolder();
        Duck.Execute($"COPY (SELECT {Keys} FROM read_parquet('{TrainingSet}') LIMIT 10) TO '{folder.At("rows.csv")}' (HEADER)");
        var (code, _, error) = await RunAsync("--spine", folder.At("rows.csv"), "--out", folder.At("out.parquet"), "--workspace", folder.At("w"), "--set", "Sources:weather:Path=/nowhere/weather.parquet");
        Assert.Equal(1, code);
        Assert.Contains("/nowhere/weather.parquet", error, StringComparison.Ordinal);
        Assert.Equal([folder.At("rows.csv")], Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("--out is", "rows.parquet", "rows.parquet")]
    [InlineData(".csv or .parquet", "rows.parquet", "out.xlsx")]
    public async Task A_file_that_can_not_be_written_to_says_so(string expected, string spine, string output)
    {
        using var folder = new TestFolder();
        var (code, _, error) = await RunAsync("--spine", folder.At(spine), "--out", folder.At(output), "--workspace", folder.At("w"));
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }
}
