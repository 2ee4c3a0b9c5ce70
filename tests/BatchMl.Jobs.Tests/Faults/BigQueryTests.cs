using BatchMl.BigQuery.Client;
using BatchMl.Fakes;

namespace BatchMl.Jobs.Tests.Faults;

/// <summary>The real job with its scores in BigQuery, or what stands in for it: the rows are those of the files, whatever happens on the way, and each byte is loaded once.</summary>
[Collection(nameof(FaultsCollection))]
public sealed class BigQueryTests(FlightDelaysRun uninterrupted) : IAsyncLifetime
{
    const string Address = "bigquery://test-project/ml/scores", Job = ScoringWorkspace.Job, From = "2013-12-20", To = "2014-01-01";
    const int Days = 12;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    FakeBigQuery fake = null!;
    ScoringWorkspace workspace = null!;

    public async ValueTask InitializeAsync()
    {
        fake = await FakeBigQuery.StartAsync();
        using var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None }, Cancellation);
        await client.Datasets.InsertAsync(new BigQueryDataset { DatasetReference = client.Dataset("ml"), Location = "EU" }, Cancellation);
        workspace = new ScoringWorkspace(uninterrupted);
    }

    string[] Sink => ["--sink", Address, "--set", $"BigQuery:Endpoint={fake.Url}", "--set", "BigQuery:Credentials=none"];

    string[] Run(params string[] more) => workspace.Run(["--from", From, "--to", To, .. Sink, .. more]);

    static void Ok(JobsProcess process) => Assert.True(process.ExitCode == 0, process.Output + process.Error);

    const string Table = "\"test-project.ml\".\"scores\"";

    long Count(string sql) => Convert.ToInt64(fake.Look(sql)[0][0], null);

    /// <summary>A table against the Parquet files of a workspace, by DuckDB; a run's id and time are its own.</summary>
    void AssertSame(string table, string root)
    {
        var files = $"(SELECT * EXCLUDE (run_id, scored_at) FROM read_parquet('{root}/datasets/{Job}/*/part-*.parquet', hive_partitioning = true, hive_types = {{'flight_date': DATE}}) WHERE flight_date >= DATE '{From}' AND flight_date < DATE '{To}')";
        var names = string.Join(", ", fake.Look($"SELECT column_name FROM (DESCRIBE SELECT * FROM {files})").Select(r => $"\"{r[0]}\""));
        var rows = $"\"test-project.ml\".\"{table}\"";
        Assert.True(Count($"SELECT count(*) FROM {rows}") > 1000);
        Assert.Equal(Count($"SELECT count(*) FROM {files}"), Count($"SELECT count(*) FROM {rows}"));
        Assert.Equal(0, Count($"SELECT count(*) FROM (SELECT {names} FROM {rows} EXCEPT ALL SELECT {names} FROM {files})"));
    }

    /// <summary>One job a partition, which did not have to be repeated, and one upload that was taken.</summary>
    void AssertLoadedOnce(int loads)
    {
        Assert.Equal(loads, fake.Jobs.Count);
        Assert.All(fake.Jobs, j => Assert.True(j.Key.EndsWith("_a1", StringComparison.Ordinal) && j.Value == "DONE", $"{j.Key} is {j.Value}"));
        Assert.Equal(loads, fake.Requests.Count(r => r.Path.StartsWith("/upload", StringComparison.Ordinal) && r.Status is 200 or 201));
    }

    async Task AssertWholeAsync()
    {
        AssertSame("scores", uninterrupted.Workspace);
        await using var catalog = workspace.Catalog();
        var ledger = await catalog.LedgerAsync(Address, Job, Cancellation);
        Assert.Equal(Days, ledger.Count);
        Assert.All(ledger, e => Assert.True(e.IsPublished && e.Lease is null));
        Assert.Empty(await catalog.LedgerAsync("parquet", Job, Cancellation));
        Assert.Empty(await catalog.UnfinishedRunsAsync(Cancellation));
        Assert.Empty(await catalog.OpenAttemptsAsync(Cancellation));
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
        Assert.DoesNotContain(Directory.EnumerateFiles(workspace.Path, "*", SearchOption.AllDirectories), f => f.Contains("/_loads/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Scores_monitoring_lineage_and_a_day_made_again()
    {
        using (var plan = await JobsProcess.RunAsync(["plan", Job, "--workspace", workspace.Path, "--from", From, "--to", To, .. Sink]))
        {
            Ok(plan);
            Assert.Contains("will be made: partitioned by DAY of flight_date", plan.Output, StringComparison.Ordinal);
            Assert.Contains("to load: 12 partitions", plan.Output, StringComparison.Ordinal);
            Assert.All(fake.Requests.Skip(1), r => Assert.Equal("GET", r.Method));
        }
        using (var run = await JobsProcess.RunAsync(Run())) Ok(run);
        await AssertWholeAsync();
        AssertLoadedOnce(Days);
        using var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None }, Cancellation);
        var described = (await client.Tables.GetAsync(client.Dataset("ml").Table("scores"), cancellation: Cancellation)).Schema!.Fields;
        Assert.All(described, f => Assert.False(string.IsNullOrEmpty(f.Description), f.Name));
        Assert.Equal("origin of 'flights'", described.Single(f => f.Name == "origin").Description);
        using (var again = await JobsProcess.RunAsync(Run())) Assert.True(again.ExitCode == 0 && again.When(": 0 partitions to make, 12 to keep") is not null, again.Output + again.Error);
        AssertLoadedOnce(Days);

        var complete = Workspaces.Events(workspace.Path).Last(e => e.GetProperty("eventType").GetString() == "COMPLETE" && e.GetProperty("outputs").GetArrayLength() > 0);
        var output = complete.GetProperty("outputs")[0];
        Assert.Equal(("bigquery", "test-project.ml.scores"), (output.GetProperty("namespace").GetString(), output.GetProperty("name").GetString()));
        Assert.Equal("bigquery:test-project.ml.scores", output.GetProperty("facets").GetProperty("dataSource").GetProperty("uri").GetString());
        var load = output.GetProperty("outputFacets").GetProperty("batchml_load");
        Assert.Contains(fake.Jobs.Keys, id => id.StartsWith(load.GetProperty("jobIdPrefix").GetString()!, StringComparison.Ordinal));
        Assert.True(long.Parse(load.GetProperty("bytes").GetString()!, System.Globalization.CultureInfo.InvariantCulture) > 1000);
        using (var where = await JobsProcess.RunAsync("lineage", "test-project.ml.scores.score", "--workspace", workspace.Path))
        {
            Ok(where);
            Assert.Contains("flights", where.Output, StringComparison.Ordinal);
        }

        using (var monitor = await JobsProcess.RunAsync(["run", "flight-delays/monitor", "--workspace", workspace.Path, "--from", From, "--to", To, .. Sink])) Ok(monitor);
        var expected = await Workspaces.ContentAsync(uninterrupted.Workspace, "flight-delays/monitor");
        var judged = await Workspaces.ContentAsync(workspace.Path, "flight-delays/monitor");
        Assert.Equal(Days, judged.Count);
        Assert.All(judged, d => Assert.Equal(expected[d.Key], d.Value));

        var before = fake.Look($"SELECT DISTINCT run_id FROM {Table}");
        using (var restated = await JobsProcess.RunAsync(Run("--force", "--partition", "2013-12-24"))) Ok(restated);
        await AssertWholeAsync();
        AssertLoadedOnce(Days + 1);
        Assert.Equal(2, fake.Look($"SELECT DISTINCT run_id FROM {Table}").Count);
        Assert.Single(before);
    }

    [Fact]
    public async Task A_table_of_BigQuery_is_a_source_like_its_files()
    {
        var path = Path.Combine(workspace.Path, "flights.parquet");
        Duck.Execute($"COPY (SELECT * FROM '{Workspaces.Data}/flights*.parquet') TO '{path}' (FORMAT parquet)");
        using var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None }, Cancellation);
        var columns = fake.Look($"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '{path}')").Select(r => new BigQueryField
        {
            Name = (string)r[0]!, Type = (string)r[1]! switch { "VARCHAR" => FieldType.String, "DOUBLE" or "FLOAT" => FieldType.Float, "TIMESTAMP" or "TIMESTAMP WITH TIME ZONE" => FieldType.Timestamp, "DATE" => FieldType.Date, _ => FieldType.Integer },
        });
        await client.Jobs.RunAsync("flights", new JobConfiguration { Load = new LoadConfiguration { DestinationTable = client.Dataset("ml").Table("flights"), Schema = new BigQuerySchema([.. columns]) } }, path, Cancellation);

        string[] source = ["--set", "Sources:flights:Path=", "--set", "Sources:flights:Format=bigquery", "--set", "Sources:flights:Table=test-project.ml.flights", "--set", "Sources:flights:PartitionBy=time_hour", "--set", $"BigQuery:Endpoint={fake.Url}", "--set", "BigQuery:Credentials=none"];
        using (var plan = await JobsProcess.RunAsync(["plan", Job, "--workspace", workspace.Path, "--from", From, "--to", To, .. source]))
        {
            Ok(plan);
            Assert.Contains("BigQuery table test-project:ml.flights, 336,776 rows", plan.Output, StringComparison.Ordinal);
        }
        var pages = fake.Requests.Count(r => r.Path.EndsWith("/data", StringComparison.Ordinal));
        using (var run = await JobsProcess.RunAsync(workspace.Run(["--from", From, "--to", To, .. source]))) Ok(run);
        // The plan had read it.
        Assert.Equal(pages, fake.Requests.Count(r => r.Path.EndsWith("/data", StringComparison.Ordinal)));
        string Scores(string of) => $"(SELECT * EXCLUDE (run_id, scored_at) FROM read_parquet('{of}/datasets/{Job}/*/part-*.parquet', hive_partitioning = true) WHERE flight_date >= DATE '{From}' AND flight_date < DATE '{To}')";
        Assert.Equal(Duck.Ask<long>($"SELECT count(*) FROM {Scores(uninterrupted.Workspace)}"), Duck.Ask<long>($"SELECT count(*) FROM {Scores(workspace.Path)}"));
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM ({Scores(uninterrupted.Workspace)} EXCEPT ALL {Scores(workspace.Path)})"));
        var input = Workspaces.Events(workspace.Path).Last(e => e.GetProperty("eventType").GetString() == "COMPLETE" && e.GetProperty("outputs").GetArrayLength() > 0).GetProperty("inputs").EnumerateArray();
        Assert.Contains(input, i => i.GetProperty("namespace").GetString() == "bigquery" && i.GetProperty("name").GetString() == "test-project.ml.flights");
    }

    [Fact]
    public async Task Killed_at_random_moments_and_run_again_all_is_as_if_nothing_had_happened()
    {
        var random = new Random(20131220);
        for (var kill = 0; kill < 8; kill++)
        {
            using var process = JobsProcess.Start(Run());
            // Once it has begun to load, and at any moment from then on.
            var seen = fake.Requests.Count;
            while (!process.HasExited && fake.Requests.Skip(seen).All(r => r.Method == "GET")) await Task.Delay(10, Cancellation);
            await Task.WhenAny(process.WaitAsync(), Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 1500)), Cancellation));
            if (process.HasExited) break;
            process.Kill();
            await process.WaitAsync();
        }
        using var last = await JobsProcess.RunAsync(Run());
        Ok(last);
        await AssertWholeAsync();
        AssertLoadedOnce(Days);
    }

    [Fact]
    public async Task Killed_at_random_moments_while_a_new_version_scores_beside_the_old_one_all_is_as_if_nothing_had_happened()
    {
        await ImportedModels.PublishAsync(workspace.Path, "flight-delays", 2, [3, -7, 20]);
        // What each version scores when it goes into files.
        using (var second = await JobsProcess.RunAsync(workspace.Run("--from", From, "--to", To))) Ok(second);
        string[] run = ["run", TwoVersions.Job, "--workspace", workspace.Path, "--from", From, "--to", To, .. Sink];
        using (var first = JobsProcess.StartStopping("", [.. run, "--model", "flight-delays@1"]))
        {
            await first.WaitAsync();
            Ok(first);
        }
        var (random, kills) = (new Random(20131221), 0);
        for (; kills < 8; kills++)
        {
            using var process = JobsProcess.StartStopping("", run);
            var seen = fake.Requests.Count;
            while (!process.HasExited && fake.Requests.Skip(seen).All(r => r.Method == "GET")) await Task.Delay(10, Cancellation);
            await Task.WhenAny(process.WaitAsync(), Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 600)), Cancellation));
            if (process.HasExited) break;
            process.Kill();
            await process.WaitAsync();
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills");
        using (var last = JobsProcess.StartStopping("", run))
        {
            await last.WaitAsync();
            Ok(last);
        }
        AssertSame("scores__v1", uninterrupted.Workspace);
        AssertSame("scores__v2", workspace.Path);
        AssertSame("scores", workspace.Path);
        // Each version into its table and into that of what is current.
        AssertLoadedOnce(Days * 4);
        Assert.Empty(Workspaces.Leftovers(workspace.Path));
        Assert.DoesNotContain(Directory.EnumerateFiles(workspace.Path, "*", SearchOption.AllDirectories), f => f.Contains("/_loads/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_processes_at_once_one_is_killed_and_each_partition_is_loaded_once()
    {
        using (var victim = JobsProcess.Start(Run()))
        using (var other = JobsProcess.Start(Run()))
        {
            while (!victim.HasExited && fake.Jobs.Count < 2) await Task.Delay(10, Cancellation);
            victim.Kill();
            await Task.WhenAll(victim.WaitAsync(), other.WaitAsync());
            Ok(other);
        }
        using var next = await JobsProcess.RunAsync(Run());
        Ok(next);
        await AssertWholeAsync();
        AssertLoadedOnce(Days);
    }

    [Fact]
    public async Task A_load_that_BigQuery_refuses_is_published_by_the_next_run_from_the_same_file()
    {
        fake.Quotas.PartitionModificationsPerTable = 5;
        using (var run = await JobsProcess.RunAsync(Run()))
        {
            Assert.Equal(1, run.ExitCode);
            Assert.Contains("wait ten minutes", run.Output + run.Error, StringComparison.Ordinal);
        }
        fake.Quotas.PartitionModificationsPerTable = 30_000;
        using (var next = await JobsProcess.RunAsync(Run())) Ok(next);
        await AssertWholeAsync();
        Assert.Single(fake.Look($"SELECT DISTINCT run_id FROM {Table}"));
    }

    [Fact]
    public async Task What_is_wrong_is_said_before_a_row_moves()
    {
        using var run = await JobsProcess.RunAsync(workspace.Run(["--sink", "bigquery://test-project/elsewhere/scores", "--set", $"BigQuery:Endpoint={fake.Url}", "--set", "BigQuery:Credentials=none", "--set", "BigQuery:Clustering=colour"]));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("There is no dataset test-project:elsewhere", run.Error, StringComparison.Ordinal);
        Assert.Contains("Clustering names colour", run.Error, StringComparison.Ordinal);
        Assert.All(fake.Requests.Skip(1), r => Assert.Equal("GET", r.Method));
        Assert.False(Directory.Exists(Path.Combine(workspace.Path, "bigquery")));
    }

    public async ValueTask DisposeAsync()
    {
        workspace.Dispose();
        await fake.DisposeAsync();
    }
}
