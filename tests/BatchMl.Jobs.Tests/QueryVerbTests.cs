using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>SQL over the datasets of a workspace: all of their rows, nothing but their rows, and nothing is changed.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class QueryVerbTests(FlightDelaysRun run)
{
    Task<(int Code, string Output, string Error)> RunAsync(string sql, params string[] args) => RunInAsync(run.Workspace, sql, args);

    static async Task<(int Code, string Output, string Error)> RunInAsync(string workspace, string sql, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync(["query", sql, "--workspace", workspace, .. args], TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    string Glob(string dataset) => Path.Combine(run.Workspace, "datasets", "flight-delays", dataset, "*", "part-*.parquet");

    [Fact]
    public async Task A_dataset_is_a_table_with_its_partition_column()
    {
        var (code, output, error) = await RunAsync("SELECT flight_date, count(*) AS n, round(avg(score), 6) AS mean FROM \"flight-delays/score\" GROUP BY ALL ORDER BY ALL LIMIT 2", "--csv");
        Assert.True(code == 0, error);
        var expected = Duck.Ask<string>($"""
            SELECT string_agg(flight_date || ',' || n || ',' || mean, chr(10) ORDER BY flight_date) FROM (SELECT flight_date, count(*) AS n, round(avg(score), 6) AS mean
            FROM read_parquet('{Glob("score")}', hive_partitioning = true) GROUP BY ALL ORDER BY ALL LIMIT 2)
            """);
        Assert.Equal($"flight_date,n,mean\n{expected}\n", output);
        (code, output, error) = await RunAsync("SELECT typeof(any_value(flight_date)) AS t FROM \"flight-delays/score\"", "--csv");
        Assert.True(code == 0, error);
        Assert.Equal("t\nDATE\n", output);
    }

    [Fact]
    public async Task Only_files_that_manifests_name_count()
    {
        using var folder = new TestFolder();
        Workspaces.Copy(Path.Combine(run.Workspace, "datasets", "flight-delays", "score", "flight_date=2013-10-01"), folder.At("datasets", "flight-delays", "score", "flight_date=2013-10-01"));
        var part = Directory.GetFiles(folder.At("datasets"), "part-*.parquet", SearchOption.AllDirectories).Single();
        File.Copy(part, part.Replace("part-", "part-9", StringComparison.Ordinal));
        Directory.CreateDirectory(folder.At("datasets", "flight-delays", "score", "flight_date=2013-10-02"));
        File.Copy(part, folder.At("datasets", "flight-delays", "score", "flight_date=2013-10-02", "part-0000000001-0.parquet"));
        var (_, output, _) = await RunInAsync(folder.Path, "SELECT count(*) AS n, count(DISTINCT flight_date) AS days FROM \"flight-delays/score\"", "--csv");
        Assert.Equal($"n,days\n{Duck.Ask<long>($"SELECT count(*) FROM '{part}'")},1\n", output);
    }

    [Fact]
    public async Task A_table_a_list_of_objects_and_CSV_are_printed()
    {
        const string Sql = "SELECT i AS n, 'a,' || i AS \"some text\", i / 2 AS half, sum(i) OVER () AS total, CASE WHEN i > 0 THEN TIMESTAMPTZ '2013-01-01 10:00:00Z' END AS at, [i] AS l, INTERVAL 90 MINUTE AS took FROM range(3) t(i);";
        var (code, output, error) = await RunAsync(Sql, "--limit", "2");
        Assert.True(code == 0, error);
        Assert.Equal("""
            n  some text  half  total  at                    l    took
            0  a,0           0      3                        [0]  01:30:00
            1  a,1         0.5      3  2013-01-01T10:00:00Z  [1]  01:30:00
            (the first 2 rows; --limit gives more)

            """, output);
        (_, output, _) = await RunAsync(Sql, "--csv", "--limit", "2");
        Assert.Equal("n,some text,half,total,at,l,took\n0,\"a,0\",0,3,,[0],01:30:00\n1,\"a,1\",0.5,3,2013-01-01T10:00:00Z,[1],01:30:00\n", output);
        (_, output, _) = await RunAsync(Sql, "--json");
        var rows = JsonDocument.Parse(output).RootElement;
        Assert.Equal(3, rows.GetArrayLength());
        Assert.Equal((1, "a,1", 0.5, 3, 1), (rows[1].GetProperty("n").GetInt32(), rows[1].GetProperty("some text").GetString(), rows[1].GetProperty("half").GetDouble(), rows[1].GetProperty("total").GetInt32(), rows[1].GetProperty("l")[0].GetInt32()));
        Assert.Equal(JsonValueKind.Null, rows[0].GetProperty("at").ValueKind);
        (_, output, _) = await RunAsync("SELECT 1 AS a WHERE false", "--json");
        Assert.Equal("[]", output.Trim());
    }

    [Fact]
    public async Task Datasets_are_listed()
    {
        var (code, output, error) = await RunAsync("SHOW TABLES");
        Assert.True(code == 0, error);
        Assert.Contains("flight-delays/score", output, StringComparison.Ordinal);
        Assert.Contains("flight-delays/training-set", output, StringComparison.Ordinal);
        (code, _, error) = await RunAsync("SELECT * FROM scores");
        Assert.Equal(2, code);
        Assert.Contains("Datasets are: \"flight-delays/monitor\", \"flight-delays/score\"", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("COPY (SELECT 1) TO '{0}/made.csv'")]
    [InlineData("ATTACH '{0}/made.db'")]
    [InlineData("CREATE TABLE t AS SELECT 1")]
    [InlineData("DROP VIEW \"flight-delays/score\"")]
    [InlineData("SET enable_external_access = true")]
    [InlineData("PRAGMA database_list")]
    [InlineData("SELECT 1; COPY (SELECT 1) TO '{0}/made.csv'")]
    [InlineData("SELECT 1) LIMIT 0; COPY (SELECT 1) TO '{0}/made.csv'; SELECT * FROM (SELECT 1")]
    [InlineData("COPY (SELECT 1) TO '{1}'")]
    [InlineData("SELECT * FROM '{0}/other.csv'")]
    [InlineData("SELECT * FROM read_text('{0}/other.csv')")]
    [InlineData("SELECT * FROM read_csv('{0}/*.csv')")]
    [InlineData("SELECT * FROM glob('{0}/*')")]
    [InlineData("SELECT * FROM query('COPY (SELECT 1) TO ''{0}/made.csv''')")]
    [InlineData("SELECT (SELECT count(*) FROM \"flight-delays/score\"), * FROM read_parquet('{0}/../../datasets/flight-delays/training-set/*/*.parquet')")]
    public async Task Whatever_writes_or_reads_other_files_is_refused(string sql)
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.At("other.csv"), "a\n1\n", TestContext.Current.CancellationToken);
        var part = Directory.GetFiles(run.Workspace, "part-*.parquet", SearchOption.AllDirectories)[0];
        var before = await File.ReadAllBytesAsync(part, TestContext.Current.CancellationToken);
        var (code, output, error) = await RunAsync(sql.Replace("{0}", folder.Path, StringComparison.Ordinal).Replace("{1}", part, StringComparison.Ordinal));
        Assert.True(code == 2, $"{code} {output} {error}");
        Assert.Equal([folder.At("other.csv")], Directory.GetFileSystemEntries(folder.Path));
        Assert.Equal(before, await File.ReadAllBytesAsync(part, TestContext.Current.CancellationToken));
    }
}
