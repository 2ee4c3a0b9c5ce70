using BatchMl.Data;
using BatchMl.Parquet;
using BatchMl.Spark.Connect;
using BatchMl.Spark.Engine;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>Tables and queries of a real Spark as sources.</summary>
static class SparkTables
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A table that grows: what is pinned are its rows, and only days that changed are copied again.</summary>
    public static async Task AssertPinnedByDayAsync(LiveSpark spark)
    {
        using var folder = new TestFolder();
        await using var session = await SparkSession.ConnectAsync(SparkRemote.Parse(spark.Remote), null, Cancel);
        var told = new List<string>();
        var table = new SparkTable
        {
            Name = "events", Remote = spark.Remote, Workspace = folder.Path, Table = "batchml_events", PartitionBy = "date(at)", OnProgress = told.Add,
        };
        SparkTableSource Source(SparkTable of) => new(of, path => new ParquetSource(path), TimeProvider.System);
        const string Day = "SELECT id, timestamp_micros(1704067200000000 + day * 86400000000 + id * 7) AS at, CASE WHEN id % 5 > 0 THEN id / 7.0D END AS value, CAST(id % 3 AS STRING) AS kind, map('a', id) AS left_out FROM range({0}) CROSS JOIN (SELECT explode(sequence({1}, {2})) AS day)";
        static string Days(int rows, int first, int last) => string.Format(System.Globalization.CultureInfo.InvariantCulture, Day, rows, first, last);

        await session.SqlAsync($"CREATE TABLE batchml_events USING parquet AS {Days(1000, 0, 2)}", null, null, Cancel);
        using var three = await Source(table).OpenAsync(Cancel);
        Assert.Equal(3, three.Files.Count);
        Assert.Equal(["id", "at", "value", "kind"], three.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal(3000, three.Fragments.Sum(f => f.Rows));
        Assert.All(three.Fragments, f => Assert.True(f.Statistics.ContainsKey("at")));
        Assert.Contains("3,000 rows of source events (3 of 3 chunks changed)", Assert.Single(told), StringComparison.Ordinal);
        var glob = Path.Combine(Path.GetDirectoryName(three.Files[0].Path)!, "*.parquet");
        // Every number from 0 to 999 but those that five divides, on each of three days.
        Assert.Equal("3000 3 1200000", Duck.Ask<string>($"SELECT count(*) || ' ' || count(DISTINCT date_trunc('day', \"at\")) || ' ' || round(sum(value * 7))::BIGINT FROM '{glob}'"));

        told.Clear();
        using var again = await Source(table).OpenAsync(Cancel);
        Assert.Empty(told);
        Assert.Equal(three.Files, again.Files);

        await session.SqlAsync($"INSERT INTO batchml_events {Days(10, 3, 3)}", null, null, Cancel);
        using var four = await Source(table).OpenAsync(Cancel);
        Assert.Contains("10 rows of source events (1 of 4 chunks changed)", Assert.Single(told), StringComparison.Ordinal);
        // What did not change is the same file still.
        static (string, long, DateTimeOffset, string) Identity(SourceFile f) => (Path.GetFileName(f.Path), f.Size, f.Modified, f.Digest);
        Assert.Equal(three.Files.Select(Identity), four.Files.Select(Identity).Intersect(three.Files.Select(Identity)));
        Assert.Equal(4, four.Files.Count);
        three.Verify();

        // The same rows elsewhere give the same bytes.
        using var elsewhere = await Source(table with { Workspace = folder.At("elsewhere") }).OpenAsync(Cancel);
        Assert.Equal(four.Files.Select(f => (Path.GetFileName(f.Path), f.Digest)), elsewhere.Files.Select(f => (Path.GetFileName(f.Path), f.Digest)));

        var whole = table with { Name = "whole", Table = null, Sql = "SELECT id, at FROM batchml_events WHERE kind = '1'", PartitionBy = null };
        using (var query = await Source(whole).OpenAsync(Cancel))
        {
            Assert.Equal(Duck.Ask<long>($"SELECT count(*) FROM '{Path.Combine(Path.GetDirectoryName(four.Files[0].Path)!, "*.parquet")}' WHERE kind = '1'"), query.Fragments.Sum(f => f.Rows));
        }
        var none = await Assert.ThrowsAsync<DataException>(() => Source(whole with { Sql = "SELECT id FROM batchml_events WHERE id < 0" }).OpenAsync(Cancel));
        Assert.Contains("the query gives no rows", none.Message, StringComparison.Ordinal);
        var changing = await Assert.ThrowsAsync<InputChangedException>(() => Source(whole with { Sql = "SELECT id, rand() AS value FROM batchml_events" }).OpenAsync(Cancel));
        Assert.Contains("gives other rows each time", changing.Message, StringComparison.Ordinal);
        var missing = await Assert.ThrowsAnyAsync<BatchMlException>(() => Source(table with { Table = "batchml_nothing" }).OpenAsync(Cancel));
        Assert.Contains("batchml_nothing", missing.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(Path.Combine(folder.Path, "spark-staging")));
    }

    /// <summary>A pipeline whose sources are queries of Spark makes of the same rows what it makes of files, whichever engine it runs on.</summary>
    public static async Task AssertPipelineAsync(LiveSpark spark, StoreRun store)
    {
        using var folder = new TestFolder();
        // In a folder of one name, as dead letters tell the file of their row.
        var (workspace, local) = (folder.At("workspace"), folder.At("local"));
        string[] sources = [.. store.Sources.SelectMany(s => new[]
        {
            "--set", $"Sources:{s.Name}:Format=spark", "--set", $"Sources:{s.Name}:Sql=SELECT * FROM parquet.`{s.Path}`", "--set", $"Sources:{s.Name}:PartitionBy={s.Day}",
        })];
        var here = await store.TryAsync(workspace, "store", ["--set", $"Spark:Remote={spark.Remote}", .. sources]);
        Assert.True(here.Code == 0, here.Text);
        Assert.Contains("chunks changed", here.Text, StringComparison.Ordinal);
        Directory.Move(workspace, local);
        var inTasks = await store.TryAsync(workspace, "store", StoreRun.On(spark, sources));
        Assert.True(inTasks.Code == 0, inTasks.Text);
        await WorkspaceContent.AssertSameAsync(local, workspace, madeAt: workspace);
        Assert.Contains(Workspaces.Events(workspace), e => e.TryGetProperty("inputs", out var inputs) && inputs.EnumerateArray().Any(i => (i.GetProperty("namespace").GetString(), i.GetProperty("name").GetString()) == ("spark", "query visits")));
        // Rows come in another order than from the files they were made of, so a model may be another one; features may not.
        WorkspaceContent.AssertSameRows(store.Local, local, "store/training-set");
    }
}
