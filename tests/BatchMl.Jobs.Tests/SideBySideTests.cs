using System.Globalization;
using System.Text.Json;
using BatchMl.BigQuery.Client;
using BatchMl.Data;
using BatchMl.Fakes;
using BatchMl.Hosting;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Models change: versions beside each other, a challenger beside the model, and which version scores. Flights of two days, scored by small imported models; rows are asked of DuckDB.</summary>
public sealed class SideBySideTests : IDisposable
{
    const string First = "2013-10-01", Second = "2013-10-02";

    static readonly ScoreJob flights = (ScoreJob)FlightDelays.FlightDelays.Pipeline().Steps.Single(s => s is ScoreJob);

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    static ScoreJob Job(string model = "m", string? challenger = null, bool sideBySide = false, long limit = 1_000) =>
        new("t/score", "Scores", flights.Query.Spine, flights.Query.Service!, model, "carrier", "flight", "origin", "dest") { Challenger = challenger, SideBySide = sideBySide, DeadLetterLimit = limit };

    async Task<(int Code, string Text)> TryAsync(Job job, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => [job]) with { Out = output, Error = error }).RunAsync([.. args, "--workspace", folder.At("work")], TestContext.Current.CancellationToken);
        return (code, output.ToString() + error);
    }

    async Task<string> RunAsync(Job job, params string[] args)
    {
        var (code, text) = await TryAsync(job, args);
        Assert.True(code == 0, $"{code}: {text}");
        return text;
    }

    async Task<string> AskAsync(Job job, string sql) => (await RunAsync(job, "query", sql, "--csv")).Trim();

    async Task PublishTwoAsync()
    {
        await ImportedModels.PublishAsync(folder.At("work"), "m", 1, [3, -7, 20]);
        await ImportedModels.PublishAsync(folder.At("work"), "m", 2, [-5, 2, 90]);
    }

    string Files(string dataset) => $"read_parquet('{folder.At("work", "datasets", dataset)}/*/part-*.parquet', hive_partitioning = true)";

    [Fact]
    public async Task A_version_lands_beside_those_before_and_the_name_alone_is_what_was_committed_last()
    {
        await PublishTwoAsync();
        var job = Job(sideBySide: true);
        await RunAsync(job, "run", "t/score", "--partition", First, "--partition", Second);
        var second = await Workspaces.ContentAsync(folder.At("work"), "t/score@2");
        Assert.Equal([First, Second], second.Keys);
        Assert.Contains("0 partitions to make", await RunAsync(job, "run", "t/score", "--model", "m", "--partition", First), StringComparison.Ordinal);

        var plan = await RunAsync(job, "plan", "t/score", "--model", "m@1", "--partition", First);
        Assert.Contains("m@1, onnx", plan, StringComparison.Ordinal);
        Assert.Contains("dataset t/score@1, partitioned by flight_date", plan, StringComparison.Ordinal);
        await RunAsync(job, "run", "t/score", "--model", "m@1", "--partition", First);
        Assert.Equal(second, await Workspaces.ContentAsync(folder.At("work"), "t/score@2"));
        Assert.Equal([First], (await Workspaces.ContentAsync(folder.At("work"), "t/score@1")).Keys);
        Assert.Equal($"flight_date,v\n{First},1\n{Second},2", await AskAsync(job, "SELECT flight_date, any_value(model_version) AS v FROM \"t/score\" GROUP BY 1 ORDER BY 1"));
        Assert.Equal("n,v\n2,2", await AskAsync(job, "SELECT count(DISTINCT flight_date) AS n, max(model_version) AS v FROM \"t/score@2\""));
        using (var source = await new ParquetSource(folder.At("work", "datasets", "t/score")).OpenAsync(TestContext.Current.CancellationToken))
            Assert.Equal(Duck.Ask<long>($"SELECT (SELECT count(*) FROM {Files("t/score@1")}) + (SELECT count(*) FROM {Files("t/score@2")} WHERE flight_date = '{Second}')"), source.Fragments.Sum(f => f.Rows));

        // Back to version 2, without a new model.
        await RunAsync(job, "run", "t/score", "--partition", First, "--force");
        Assert.Equal("v\n2", await AskAsync(job, "SELECT DISTINCT model_version AS v FROM \"t/score\""));
        Assert.Equal(second, await Workspaces.ContentAsync(folder.At("work"), "t/score@2"));
        // The same rows as a job that keeps one version has.
        var over = new ScoreJob("t/over", "Scores", flights.Query.Spine, flights.Query.Service!, "m", "carrier", "flight", "origin", "dest");
        await RunAsync(over, "run", "t/over", "--partition", First, "--partition", Second);
        Assert.Equal(second, await Workspaces.ContentAsync(folder.At("work"), "t/over"));
        Assert.Empty(Workspaces.Leftovers(folder.At("work")));
    }

    [Fact]
    public async Task Monitoring_watches_what_is_current()
    {
        await PublishTwoAsync();
        var job = Job(sideBySide: true);
        await RunAsync(job, "run", "t/score", "--partition", First, "--partition", Second);
        await RunAsync(job, "run", "t/score", "--model", "m@1", "--partition", First);
        // Any profile will do as what training rows were like.
        var profile = Directory.GetFiles(folder.At("work", "datasets", "t/score@2"), "_profile-*.json", SearchOption.AllDirectories)[0];
        foreach (var version in new[] { "1", "2" }) File.Copy(profile, folder.At("work", "models", "m", version, "reference_profile.json"));
        var labels = ((MonitorJob)FlightDelays.FlightDelays.Pipeline().Steps.Single(s => s is MonitorJob)).Labels;
        var both = new PipelineJob("t", "", job, new MonitorJob("t/monitor", "", job, labels.Label!));
        await RunAsync(both, "run", "t/monitor", "--partition", First, "--partition", Second);
        Assert.Equal("n\n2", await AskAsync(both, "SELECT count(DISTINCT flight_date) AS n FROM \"t/monitor\" WHERE metric = 'auc'"));
        var inputs = Workspaces.Events(folder.At("work")).Where(e => e.GetProperty("job").GetProperty("name").GetString() == "t/monitor" && e.GetProperty("eventType").GetString() == "COMPLETE" && e.TryGetProperty("inputs", out _))
            .SelectMany(e => e.GetProperty("inputs").EnumerateArray()).Select(i => Path.GetFileName(i.GetProperty("name").GetString()!)).Where(n => n.StartsWith("score", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(["score@1", "score@2"], inputs);
        Assert.Contains("0 partitions to make", await RunAsync(both, "run", "t/monitor", "--partition", First, "--partition", Second), StringComparison.Ordinal);
        // What is current changes, and is watched anew.
        await RunAsync(job, "run", "t/score", "--partition", First, "--force");
        Assert.Contains("1 partition to make", await RunAsync(both, "run", "t/monitor", "--partition", First, "--partition", Second), StringComparison.Ordinal);
        Assert.Empty(JsonDocument.Parse(await RunAsync(job, "status", "--late", "t/score", "--json")).RootElement.EnumerateArray());
    }

    [Fact]
    public async Task Turned_on_later_and_off_again_nothing_that_is_published_is_lost_from_sight()
    {
        await PublishTwoAsync();
        var (off, on) = (Job(), Job(sideBySide: true));
        string[] days = ["--partition", First, "--partition", Second];
        await RunAsync(off, ["run", "t/score", "--model", "m@1", .. days]);
        var before = await Workspaces.ContentAsync(folder.At("work"), "t/score");
        foreach (var version in new[] { "1", "2" })
            File.Copy(Directory.GetFiles(folder.At("work", "datasets", "t/score"), "_profile-*.json", SearchOption.AllDirectories)[0], folder.At("work", "models", "m", version, "reference_profile.json"));
        PipelineJob Watched(ScoreJob score) => new("t", "", score, new MonitorJob("t/monitor", "", score, ((MonitorJob)FlightDelays.FlightDelays.Pipeline().Steps.Single(s => s is MonitorJob)).Labels.Label!));
        const string Versions = "SELECT flight_date, any_value(model_version) AS v, count(DISTINCT model_version) AS n FROM \"t/score\" GROUP BY 1 ORDER BY 1";

        // On: what was there is current until a version scores the day, and the plan says so.
        Assert.Contains("not made yet; t/score has it, and keeps it", await RunAsync(on, ["plan", "t/score", .. days]), StringComparison.Ordinal);
        Assert.Equal($"flight_date,v,n\n{First},1,1\n{Second},1,1", await AskAsync(on, Versions));
        await RunAsync(Watched(on), ["run", "t/monitor", .. days]);
        await RunAsync(on, "run", "t/score", "--partition", First);
        var kept = await Workspaces.ContentAsync(folder.At("work"), "t/score@2");
        Assert.Equal($"flight_date,v,n\n{First},2,1\n{Second},1,1", await AskAsync(on, Versions));
        Assert.Contains("1 partition to make", await RunAsync(Watched(on), ["run", "t/monitor", .. days]), StringComparison.Ordinal);

        // Off: the same is current, and watched.
        Assert.Equal($"flight_date,v,n\n{First},2,1\n{Second},1,1", await AskAsync(off, Versions));
        Assert.Contains("0 partitions to make", await RunAsync(Watched(off), ["run", "t/monitor", .. days]), StringComparison.Ordinal);
        var plan = await RunAsync(off, ["plan", "t/score", .. days]);
        Assert.Contains("model changed; kept as it is; t/score@2, committed later, is current", plan, StringComparison.Ordinal);
        Assert.Contains("dataset t/score, partitioned by", plan, StringComparison.Ordinal);
        Assert.Equal("[]", (await RunAsync(off, "status", "--late", "t/score", "--json")).Trim());
        // A version's own day is made again where it is, whatever the job says now.
        var request = new RunRequest { Only = [new PartitionKey("parquet", "t/score@2", "flight_date", First)], Force = true, Partitions = [First] };
        await using (var session = BatchMlApplication.Create(() => [off]).Open(new Hosting.SessionOptions(folder.At("work"), new Dictionary<string, string?>())))
            Assert.Equal(1, (await new Runner(session.Environment, new Quiet()).RunAsync(off, request, "retry", TestContext.Current.CancellationToken)).Steps[0].Done);
        Assert.Equal(2, (await Workspaces.LedgerAsync(folder.At("work"), "t/score@2")).Single().Committed!.Staged.Fence);
        Assert.Equal(before, await Workspaces.ContentAsync(folder.At("work"), "t/score"));

        // And what is made now takes its place, beside what the version keeps.
        await RunAsync(off, "run", "t/score", "--model", "m@1", "--partition", First, "--force");
        Assert.Equal($"flight_date,v,n\n{First},1,1\n{Second},1,1", await AskAsync(off, Versions));
        Assert.Contains("1 partition to make", await RunAsync(Watched(off), ["run", "t/monitor", .. days]), StringComparison.Ordinal);
        Assert.Equal(before, await Workspaces.ContentAsync(folder.At("work"), "t/score"));
        Assert.Equal(kept, await Workspaces.ContentAsync(folder.At("work"), "t/score@2"));
        Assert.Empty(Workspaces.Leftovers(folder.At("work")));
    }

    [Fact]
    public async Task A_run_keeps_which_model_was_asked_for_and_a_replay_makes_that_versions_partitions()
    {
        await PublishTwoAsync();
        var job = Job(sideBySide: true);
        await RunAsync(job, "run", "t/score", "--model", "m@1", "--partition", First);
        var run = await Workspaces.LatestRunAsync(folder.At("work"));
        Assert.Equal("m@1", JsonDocument.Parse(run.ArgumentsJson).RootElement.GetProperty("Models")[0].GetString());
        // Without --model the partitions' own version is what a retry is of, whatever came since.
        var request = new RunRequest { Only = [new PartitionKey("parquet", "t/score@1", "flight_date", First)], Force = true, Partitions = [First] };
        await using (var session = BatchMlApplication.Create(() => [job]).Open(new Hosting.SessionOptions(folder.At("work"), new Dictionary<string, string?>())))
        {
            var summary = await new Runner(session.Environment, new Quiet()).RunAsync(job, request, "retry", TestContext.Current.CancellationToken);
            Assert.Equal(0, summary.ExitCode);
        }
        Assert.Equal(2, (await Workspaces.LedgerAsync(folder.At("work"), "t/score@1")).Single().Committed!.Staged.Fence);
        Assert.Empty(await Workspaces.LedgerAsync(folder.At("work"), "t/score@2"));
    }

    sealed class Quiet : RunListener;

    [Fact]
    public async Task A_model_that_is_not_there_or_not_the_jobs_is_an_error_that_says_what_there_is()
    {
        await PublishTwoAsync();
        var pipeline = FlightDelays.FlightDelays.Pipeline();
        foreach (var (job, name, args, expected) in new (Job, string, string[], string)[]
        {
            (Job(), "t/score", ["--model", "m@3"], "there is no such version. There are: m@1, m@2."),
            (Job(), "t/score", ["--model", "other@1"], "scores with m. Name a version of it"),
            (Job("n"), "t/score", ["--model", "n@1"], "Of model n there is none yet: train it first."),
            (Job(), "t/score", ["--model", "m@1", "--model", "m@2"], "--model names m 2 times"),
            (Job(), "t/score", ["--model", "m@"], "expected NAME for its latest version, or NAME@VERSION"),
            (Job(), "t/score", ["--model", "m@0"], "expected NAME"),
            (Job(), "t/score", ["--model", "m@one"], "expected NAME"),
            (pipeline, "flight-delays/training-set", ["--model", "m@1"], "scores with no model. Leave it out"),
            (Job("m@7"), "t/score", [], "model m@7, which a training job makes"),
            (Job(challenger: "m@7"), "t/score", [], "model m@7, its challenger, which a training job makes"),
        })
        {
            var (code, text) = await TryAsync(job, ["run", name, "--partition", First, .. args]);
            Assert.True(code == 2, text);
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }
        Assert.Contains("'m@'", Assert.Throws<DefinitionException>(() => Job(challenger: "m@")).Message, StringComparison.Ordinal);
        Assert.Contains("t/score@3", Assert.Throws<DefinitionException>(() => new ScoreJob("t/score@3", "", flights.Query.Spine, flights.Query.Service!, "m", "carrier")).Message, StringComparison.Ordinal);
        await ImportedModels.PublishAsync(folder.At("work"), "old", 1, [1, 2, 3], serviceVersion: 7);
        Assert.Contains("Model old@1 was trained on version 7 of feature service", (await TryAsync(Job(challenger: "old"), "plan", "t/score", "--partition", First)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_challenger_scores_in_the_same_pass_what_it_scores_alone_and_costs_the_model_nothing()
    {
        await PublishTwoAsync();
        await ImportedModels.PublishAsync(folder.At("work"), "c", 1, [50, 4, -6]);
        string[] days = ["--partition", First, "--partition", Second];
        var alone = new ScoreJob("t/alone", "", flights.Query.Spine, flights.Query.Service!, "m", "carrier", "flight", "origin", "dest");
        var other = new ScoreJob("t/other", "", flights.Query.Spine, flights.Query.Service!, "c", "carrier", "flight", "origin", "dest");
        await RunAsync(alone, ["run", "t/alone", .. days]);
        await RunAsync(other, ["run", "t/other", .. days]);
        var job = Job(challenger: "c");
        Assert.Contains("challenger c@1, onnx", await RunAsync(job, ["plan", "t/score", .. days]), StringComparison.Ordinal);
        await RunAsync(job, ["run", "t/score", .. days]);
        string Rows(string dataset, string columns) => $"(SELECT carrier, flight, origin, dest, as_of, flight_date, {columns} FROM {Files(dataset)})";
        string[] pairs =
        [
            Differences(Rows("t/score", "score, model_name, model_version, model_digest, feature_service"), Rows("t/alone", "score, model_name, model_version, model_digest, feature_service")),
            Differences(Rows("t/score", "challenger_score, challenger_model_name, challenger_model_version, challenger_model_digest"), Rows("t/other", "score, model_name, model_version, model_digest")),
        ];
        Assert.All(pairs, p => Assert.Equal(0, Duck.Ask<long>(p)));
        Assert.True(Duck.Ask<long>($"SELECT count(*) FROM {Files("t/score")} WHERE score <> challenger_score AND challenger_error IS NULL") > 1_000);
        Assert.Equal(0, Duck.Ask<long>($"SELECT count(*) FROM {Files("t/score")} WHERE challenger_error IS NOT NULL"));
        // A new version of the challenger alone is a changed model, and published days stay by the job's policy.
        await ImportedModels.PublishAsync(folder.At("work"), "c", 2, [1, 1, 1]);
        Assert.Contains("model changed; kept as it is", await RunAsync(job, ["plan", "t/score", .. days]), StringComparison.Ordinal);
        Assert.Contains("unchanged", await RunAsync(Job(challenger: "c@1"), ["plan", "t/score", .. days]), StringComparison.Ordinal);

        static string Differences(string a, string b) => string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))");
    }

    [Fact]
    public async Task In_BigQuery_each_version_has_a_table_and_the_one_that_is_named_has_what_is_current()
    {
        await PublishTwoAsync();
        await using var fake = await FakeBigQuery.StartAsync();
        using (var client = await BigQueryClient.OpenAsync(new BigQueryClientOptions { Project = "test-project", Endpoint = new Uri(fake.Url), Credentials = BigQueryCredentials.None }, TestContext.Current.CancellationToken))
            await client.Datasets.InsertAsync(new BigQueryDataset { DatasetReference = client.Dataset("ml"), Location = "EU" }, TestContext.Current.CancellationToken);
        string[] sink = ["--sink", "bigquery://test-project/ml/scores", "--set", $"BigQuery:Endpoint={fake.Url}", "--set", "BigQuery:Credentials=none"];
        var job = Job(sideBySide: true);
        Assert.Contains("test-project.ml.scores__v2 in EU", await RunAsync(job, ["plan", "t/score", "--partition", First, .. sink]), StringComparison.Ordinal);
        await RunAsync(job, ["run", "t/score", "--partition", First, "--partition", Second, .. sink]);
        await RunAsync(job, ["run", "t/score", "--model", "m@1", "--partition", First, .. sink]);
        string[] Versions(string table) => [.. fake.Look($"SELECT flight_date::VARCHAR || ' ' || string_agg(DISTINCT model_version, ',') FROM \"test-project.ml\".\"{table}\" GROUP BY flight_date ORDER BY 1").Select(r => (string)r[0]!)];
        Assert.Equal([$"{First} 1"], Versions("scores__v1"));
        Assert.Equal([$"{First} 2", $"{Second} 2"], Versions("scores__v2"));
        Assert.Equal([$"{First} 1", $"{Second} 2"], Versions("scores"));
        var outputs = Workspaces.Events(folder.At("work")).Where(e => e.GetProperty("eventType").GetString() == "COMPLETE").SelectMany(e => e.GetProperty("outputs").EnumerateArray()).Select(o => o.GetProperty("name").GetString()).Distinct();
        Assert.Equal(["test-project.ml.scores__v2", "test-project.ml.scores__v1"], outputs.Where(o => o!.StartsWith("test-project", StringComparison.Ordinal)));
        // No longer kept: the table goes on as it is.
        await RunAsync(Job(), ["run", "t/score", "--partition", First, .. sink]);
        Assert.Equal([$"{First} 2", $"{Second} 2"], Versions("scores"));

        var (code, text) = await TryAsync(job, ["plan", "t/score", "--partition", First, "--set", "BigQuery:Mode=append", .. sink]);
        Assert.True(code == 2, text);
        Assert.Contains("which append can not", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_that_breaks_its_contract_is_neither_planned_nor_run_until_it_is_accepted()
    {
        await PublishTwoAsync();
        string[] set = ["--set", $"Contracts={folder.At("contracts")}"];
        Assert.Contains("no contract", await RunAsync(Job(), ["plan", "t/score", "--partition", First, .. set]), StringComparison.Ordinal);
        Assert.Contains(folder.At("contracts", "t", "score.json"), await RunAsync(Job(), ["contract", "t/score", "--accept", .. set]), StringComparison.Ordinal);
        Assert.Contains("score.json: kept", await RunAsync(Job(), ["plan", "t/score", "--partition", First, .. set]), StringComparison.Ordinal);
        var columns = JsonDocument.Parse(await File.ReadAllTextAsync(folder.At("contracts", "t", "score.json"), TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal("flight_date", columns.GetProperty("partitionColumn").GetString());
        Assert.Equal(["carrier", "flight", "origin", "dest", "as_of"], columns.GetProperty("keys").EnumerateArray().Select(k => k.GetString()));
        // With a challenger there are columns more.
        await ImportedModels.PublishAsync(folder.At("work"), "c", 1, [50, 4, -6]);
        Assert.Contains("column challenger_score (double) is new", await RunAsync(Job(challenger: "c"), ["plan", "t/score", "--partition", First, .. set]), StringComparison.Ordinal);

        var other = new ScoreJob("t/score", "", flights.Query.Spine, flights.Query.Service!, "m", "carrier", "flight", "tailnum", "origin") { SemanticsVersion = 2 };
        foreach (var verb in new[] { "plan", "run", "contract" })
        {
            var (code, text) = await TryAsync(other, [verb, "t/score", .. verb == "contract" ? [] : new[] { "--partition", First }, .. set]);
            Assert.True(code == 2, text);
            foreach (var difference in new[] { "the semantics version was 1 and is 2", "its keys were", "column dest (utf8) is gone" }) Assert.Contains(difference, text, StringComparison.Ordinal);
            if (verb != "contract") Assert.Contains("accept the change with 'contract t/score --accept'", text, StringComparison.Ordinal);
        }
        Assert.Empty(await Workspaces.LedgerAsync(folder.At("work"), "t/score"));
        await RunAsync(other, ["contract", "t/score", "--accept", .. set]);
        await RunAsync(other, ["run", "t/score", "--partition", First, .. set]);

        await File.WriteAllTextAsync(folder.At("contracts", "t", "score.json"), "{", TestContext.Current.CancellationToken);
        var (broken, why) = await TryAsync(other, ["run", "t/score", "--partition", First, .. set]);
        Assert.True(broken == 2, why);
        Assert.Contains("can not be read as the contract of t/score", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_training_set_has_a_contract_too_and_other_jobs_have_none()
    {
        string[] set = ["--set", $"Contracts={folder.At("contracts")}"];
        var pipeline = FlightDelays.FlightDelays.Pipeline();
        // Of a pipeline whose model is not made yet, what there is.
        await RunAsync(pipeline, ["contract", "flight-delays", "--accept", .. set]);
        Assert.Equal([folder.At("contracts", "flight-delays", "training-set.json")], Directory.GetFiles(folder.At("contracts"), "*", SearchOption.AllDirectories));
        Assert.Contains("training-set.json: kept", await RunAsync(pipeline, ["plan", "flight-delays", .. set]), StringComparison.Ordinal);
        var (code, text) = await TryAsync(pipeline, ["contract", "flight-delays/monitor", .. set]);
        Assert.True(code == 2, text);
        Assert.Contains("has no rows that a contract could be of", text, StringComparison.Ordinal);
    }
}
