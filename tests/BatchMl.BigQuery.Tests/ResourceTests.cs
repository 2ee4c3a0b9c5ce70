using System.Text.Json.Nodes;
using BatchMl.BigQuery.Client;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Datasets and tables: made, found, changed, listed, removed.</summary>
public sealed class ResourceTests
{
    [Fact]
    public async Task A_dataset_is_made_once_and_then_found()
    {
        await using var bq = await StartAsync(location: null);
        var wanted = new BigQueryDataset { DatasetReference = bq.Dataset, Location = "europe-west3", Labels = new Dictionary<string, string> { ["a"] = "b" }, DefaultTableExpirationMs = 7_200_000 };
        Assert.Null(await bq.Client.Datasets.FindAsync(bq.Dataset, Cancellation));

        var made = await bq.Client.Datasets.EnsureAsync(wanted, Cancellation);
        var found = await bq.Client.Datasets.EnsureAsync(wanted with { Location = "US" }, Cancellation);

        Assert.Equal(("europe-west3", "b", 7_200_000L), (made.Location, made.Labels!["a"], made.DefaultTableExpirationMs));
        Assert.Equal((made.Etag, made.Location, made.CreationTime), (found.Etag, found.Location, found.CreationTime));
    }

    [Fact]
    public async Task Many_may_make_the_same_dataset_and_table_at_once()
    {
        await using var bq = await StartAsync(location: null);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => bq.Client.Datasets.EnsureAsync(new() { DatasetReference = bq.Dataset }, Cancellation)));
        var tables = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => bq.Client.Tables.EnsureAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = DaySchema }, Cancellation)));
        Assert.Single(tables.Select(t => t.CreationTime).Distinct());
    }

    [Fact]
    public async Task A_dataset_is_patched_and_removed()
    {
        await using var bq = await StartAsync();
        var patched = await bq.Client.Datasets.PatchAsync(bq.Dataset, new JsonObject { ["description"] = "d", ["labels"] = new JsonObject { ["x"] = "y" } }, cancellation: Cancellation);
        Assert.Equal(("d", "y", "EU"), (patched.Description, patched.Labels!["x"], patched.Location));
        await bq.TableAsync();

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Datasets.DeleteAsync(bq.Dataset, cancellation: Cancellation));
        Assert.Equal("resourceInUse", error.Reason);
        await bq.Client.Datasets.DeleteAsync(bq.Dataset, deleteContents: true, Cancellation);
        Assert.Null(await bq.Client.Datasets.FindAsync(bq.Dataset, Cancellation));
    }

    [Fact]
    public async Task Lists_are_read_page_by_page()
    {
        await using var bq = await StartAsync(location: null);
        for (var i = 0; i < 120; i++) await bq.Client.Datasets.InsertAsync(new() { DatasetReference = new(Project, $"d{i:000}") }, Cancellation);
        for (var i = 0; i < 120; i++) await bq.Client.Tables.InsertAsync(new() { TableReference = new(Project, "d000", $"t{i:000}"), Schema = DaySchema }, Cancellation);

        var datasets = await bq.Client.Datasets.ListAsync(Project, Cancellation).Select(d => d.DatasetReference.DatasetId).ToListAsync(Cancellation);
        var tables = await bq.Client.Tables.ListAsync(new(Project, "d000"), Cancellation).Select(t => t.TableReference.TableId).ToListAsync(Cancellation);

        Assert.Equal(Enumerable.Range(0, 120).Select(i => $"d{i:000}"), datasets);
        Assert.Equal(Enumerable.Range(0, 120).Select(i => $"t{i:000}"), tables);
    }

    [Fact]
    public async Task Everything_said_of_a_table_is_read_again()
    {
        await using var bq = await StartAsync();
        var table = new BigQueryTable
        {
            TableReference = bq.Dataset.Table("t"), Description = "what it is", FriendlyName = "T", Labels = new Dictionary<string, string> { ["run"] = "7" }, ExpirationTime = DateTimeOffset.Parse("2100-01-01T00:00:00Z", null).ToUnixTimeMilliseconds(),
            RequirePartitionFilter = true, TimePartitioning = new() { Type = "HOUR", Field = "at", ExpirationMs = 3_600_000 }, Clustering = new(["b", "a"]), EncryptionConfiguration = new("projects/p/locations/eu/keyRings/r/cryptoKeys/k"),
            Schema = new([
                Column("at", "TIMESTAMP", "REQUIRED"), Column("a", "INT64") with { Description = "an a" }, Column("b", "BOOL"), Column("n", "NUMERIC") with { Precision = 20, Scale = 4 }, Column("s", "STRING") with { MaxLength = 10 },
                new() { Name = "r", Type = "STRUCT", Mode = "REPEATED", Fields = [Column("x", "FLOAT64"), Column("y", "BYTES", "REPEATED")] }]),
        };

        await bq.Client.Tables.InsertAsync(table, Cancellation);
        var read = await bq.Client.Tables.GetAsync(table.TableReference, TableView.Basic, Cancellation);

        Assert.Equal(("what it is", "T", "7", table.ExpirationTime, true), (read.Description, read.FriendlyName, read.Labels!["run"], read.ExpirationTime, read.RequirePartitionFilter));
        Assert.Equal(table.TimePartitioning, read.TimePartitioning);
        Assert.Equal(["b", "a"], read.Clustering!.Fields);
        Assert.Equal(table.EncryptionConfiguration, read.EncryptionConfiguration);
        Assert.Equal(["TIMESTAMP", "INTEGER", "BOOLEAN", "NUMERIC", "STRING", "RECORD"], read.Schema!.Fields.Select(f => f.Type));
        Assert.Equal(table.Schema.Fields.Select(f => FieldType.Canonical(f.Type)), read.Schema.Fields.Select(f => f.Type));
        Assert.Equal((20L, 4L, 10L, "an a"), (read.Schema.Fields[3].Precision, read.Schema.Fields[3].Scale, read.Schema.Fields[4].MaxLength, read.Schema.Fields[1].Description));
        Assert.Equal(["x FLOAT", "y BYTES"], read.Schema.Fields[5].Fields!.Select(f => $"{f.Name} {f.Type}"));
        Assert.Null(read.NumRows);
        Assert.Equal(("TABLE", "EU"), (read.Type, read.Location));
    }

    [Fact]
    public async Task A_table_changed_in_between_is_not_overwritten()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        var first = await bq.Client.Tables.GetAsync(table, TableView.Basic, Cancellation);
        var second = await bq.Client.Tables.PatchAsync(table, new JsonObject { ["description"] = "theirs", ["labels"] = new JsonObject { ["a"] = "b" } }, first.Etag, Cancellation);

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Tables.PatchAsync(table, new JsonObject { ["description"] = "ours" }, first.Etag, Cancellation));

        Assert.True(error.IsStale);
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Contains("read it again", error.Message, StringComparison.Ordinal);
        Assert.Equal("theirs", (await bq.Client.Tables.GetAsync(table, null, Cancellation)).Description);
        var third = await bq.Client.Tables.PatchAsync(table, new JsonObject { ["labels"] = new JsonObject { ["a"] = null }, ["description"] = null }, second.Etag, Cancellation);
        Assert.Null(third.Description);
        Assert.False(third.Labels?.ContainsKey("a") ?? false);
    }

    [Fact]
    public async Task A_column_is_added_and_relaxed_by_a_patch_of_the_whole_schema()
    {
        await using var bq = await StartAsync();
        var table = (await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("t"), Schema = new([Column("id", "INTEGER", "REQUIRED")]) }, Cancellation)).TableReference;
        await bq.Client.Jobs.RunAsync("rows", Load(table, schema: new([Column("id", "INTEGER", "REQUIRED")])), bq.Parquet("SELECT 1 AS id"), Cancellation);

        var patched = await bq.Client.Tables.PatchAsync(table, new JsonObject { ["schema"] = Fields(("id", "INTEGER", "NULLABLE"), ("more", "STRING", "REPEATED")) }, cancellation: Cancellation);

        Assert.Equal(["id NULLABLE", "more REPEATED"], patched.Schema!.Fields.Select(f => $"{f.Name} {f.Mode}"));
        Assert.Equal("", string.Join(',', (await bq.Client.Rows.ReadAsync(table, cancellation: Cancellation).SingleAsync(Cancellation)).Items(1)));
        foreach (var bad in new[] { Fields(("id", "STRING", "NULLABLE"), ("more", "STRING", "REPEATED")), Fields(("id", "INTEGER", "NULLABLE")), Fields(("id", "INTEGER", "NULLABLE"), ("more", "STRING", "REPEATED"), ("must", "STRING", "REQUIRED")) })
            Assert.Equal("invalid", (await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Tables.PatchAsync(table, new JsonObject { ["schema"] = bad }, cancellation: Cancellation))).Reason);

        static JsonObject Fields(params (string Name, string Type, string Mode)[] fields) =>
            new() { ["fields"] = new JsonArray([.. fields.Select(f => new JsonObject { ["name"] = f.Name, ["type"] = f.Type, ["mode"] = f.Mode })]) };
    }

    [Fact]
    public async Task Tables_and_partitions_are_removed()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(2), Cancellation);

        await bq.Client.Tables.DeleteAsync(table.Partition("20261001"), Cancellation);
        Assert.Equal(1000, bq.Count(table));
        await bq.Client.Tables.RemoveAsync(table.Partition("20261001"), Cancellation);
        await bq.Client.Tables.DeleteAsync(table, Cancellation);
        await bq.Client.Tables.RemoveAsync(table, Cancellation);
        Assert.Null(await bq.Client.Tables.FindAsync(table, null, Cancellation));
        Assert.True((await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Tables.DeleteAsync(table, Cancellation))).IsNotFound);
    }

    [Fact]
    public async Task A_view_shows_its_query()
    {
        await using var bq = await StartAsync();
        var table = await bq.TableAsync();
        await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(2), Cancellation);
        var view = await bq.Client.Tables.InsertAsync(new() { TableReference = bq.Dataset.Table("v"), View = new($"SELECT id, day FROM {table.ToSql()} WHERE day = '2026-10-02'") }, Cancellation);

        var run = await bq.Client.Jobs.RunAsync("q", new() { Query = new() { Query = "SELECT min(id) AS first, count(*) AS n FROM v", DefaultDataset = bq.Dataset } }, cancellation: Cancellation);
        var row = await (await bq.Client.Rows.ReadAsync(run.Job.JobReference!, cancellation: Cancellation)).Rows.SingleAsync(Cancellation);

        Assert.Equal(("VIEW", "1000", "1000"), (view.Type, row.Text(0), row.Text(1)));
        await bq.Client.Tables.PatchAsync(view.TableReference, new JsonObject { ["view"] = new JsonObject { ["query"] = $"SELECT id FROM {table.ToSql()}", ["useLegacySql"] = false } }, cancellation: Cancellation);
        Assert.Equal("id", Assert.Single((await bq.Client.Tables.GetAsync(view.TableReference, null, Cancellation)).Schema!.Fields).Name);
    }

    [Fact]
    public async Task Unknown_fields_of_answers_are_passed_over_and_jobs_are_billed_to_their_own_project()
    {
        await using var bq = await StartAsync(options: o => o with { BillingProject = "billing-project" });
        var table = await bq.TableAsync();
        await bq.Client.Tables.PatchAsync(table, new JsonObject { ["somethingNew"] = new JsonObject { ["a"] = 1 } }, cancellation: Cancellation);
        Assert.Equal("day", (await bq.Client.Tables.GetAsync(table, null, Cancellation)).TimePartitioning!.Field);

        var run = await bq.Client.Jobs.RunAsync("days", Load(table), bq.Days(1), Cancellation);

        Assert.Equal("billing-project", run.Job.JobReference!.ProjectId);
        Assert.Equal(1000, bq.Count(table));
        Assert.Contains(bq.Fake.Requests, r => r.Path == "/upload/bigquery/v2/projects/billing-project/jobs");
    }
}
