using System.Text.Json;
using BatchMl.Expressions;
using BatchMl.Hosting;
using BatchMl.LightGbm;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.Training;

namespace BatchMl.Jobs.Tests;

/// <summary>Rows that can not be scored, from the command line to the mended result.</summary>
public sealed class DeadLetterTests
{
    public sealed record Call(long Id, DateTimeOffset? At, string Day, double X, double Y, bool? Answered);

    static readonly Spine Calls = Spine.From(Source.Bind<Call>("calls"))
        .Key(c => c.Id).Select(c => new { c.X, c.Y }).AsOf(c => c.At).PartitionBy("day", c => c.Day);

    static readonly FeatureService Features = FeatureService.Of("calls", version: 1).FromSpine("x", "y").Derive("ratio", row => row.Number("x") / row.Number("y"));

    static PipelineJob Pipeline()
    {
        var trainingSet = new TrainingSetJob(
            "calls/training-set", "Calls", Spine.From(Source.Bind<Call>("history")).Key(c => c.Id).Select(c => new { c.X, c.Y }).AsOf(c => c.At).PartitionBy("date", c => c.At.DateIn("UTC")), Features,
            Label.Of<Call, bool?>("answered", c => c.Answered, knownAt: c => c.At.AddMinutes(5)),
            new TimeSplit(new DateOnly(2024, 2, 1), new DateOnly(2024, 2, 10), new DateOnly(2024, 2, 20), "UTC"));
        return new PipelineJob(
            "calls", "All of it", trainingSet, new TrainJob("calls/train", "Train", "calls", trainingSet, new LightGbmTrainer(new LightGbmOptions { MaxRounds = 20 })),
            new ScoreJob("calls/score", "Score", Calls, Features, "calls"));
    }

    static string Rows(int count, string day, string at) =>
        $"SELECT i AS id, {at} AS at, {day} AS day, (i % 13)::DOUBLE AS x, (i % 7 + 1)::DOUBLE AS y, (i * 7919) % 13 < 6 AS answered FROM range({count}) t(i)";

    [Fact]
    public async Task Rows_without_as_of_become_dead_letters_and_are_scored_when_mended_and_replayed()
    {
        using var folder = new TestFolder();
        var (history, calls, workspace) = (folder.At("history.parquet"), folder.At("calls.parquet"), folder.At("w"));
        const string time = "TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_minutes(i * 30)";
        Duck.Execute($"SET TimeZone='UTC'; COPY ({Rows(2400, "'all'", time)}) TO '{history}' (FORMAT parquet);"
            + $"COPY ({Rows(200, "'d' || (i % 2)", $"CASE WHEN i IN (3, 51, 53) THEN NULL ELSE {time} END")}) TO '{calls}' (FORMAT parquet)");
        string[] settings = ["--workspace", workspace, "--set", $"Sources:history={history}", "--set", $"Sources:calls={calls}"];

        // The limit is a setting; once crossed, nothing that is open commits and the exit code is 3.
        var refused = await RunAsync(["run", "calls", .. settings, "--set", "DeadLetterLimit=1"]);
        Assert.Equal(3, refused.Code);
        Assert.Contains("allowed are 1", refused.Text, StringComparison.Ordinal);

        var run = await RunAsync(["run", "calls", .. settings, "--json"]);
        Assert.True(run.Code == 0, run.Text);
        var ledger = await Workspaces.LedgerAsync(workspace, "calls/score");
        Assert.Equal([(97L, 3L), (100L, 0L)], ledger.Select(e => (e.Committed!.Staged.Rows, e.Committed.Staged.DeadLetters)).Order());
        var letters = Directory.GetFiles(Path.Combine(workspace, "datasets"), "_dead_letters-*.ndjson", SearchOption.AllDirectories).SelectMany(File.ReadAllLines).Select(l => JsonDocument.Parse(l).RootElement.ToString()).ToArray();
        Assert.Equal(3, letters.Length);
        Assert.All(letters, l => Assert.Contains("as_of", l, StringComparison.Ordinal));

        // Mended in place, the run is replayed with the settings that it had: whole partitions, and only those with dead letters.
        Duck.Execute($"SET TimeZone='UTC'; COPY ({Rows(200, "'d' || (i % 2)", time)}) TO '{calls}' (FORMAT parquet)");
        var id = JsonDocument.Parse(run.Output).RootElement.GetProperty("run_id").GetString()!;
        var replay = await RunAsync(["replay", id, "--workspace", workspace]);
        Assert.True(replay.Code == 0, replay.Text);
        var mended = await Workspaces.LedgerAsync(workspace, "calls/score");
        Assert.Equal(200, mended.Sum(e => e.Committed!.Staged.Rows));
        Assert.Equal(0, mended.Sum(e => e.Committed!.Staged.DeadLetters));
        var lettered = ledger.Where(e => e.Committed!.Staged.DeadLetters > 0).Select(e => e.Key).ToHashSet();
        Assert.All(mended, e => Assert.Equal(lettered.Contains(e.Key), e.Committed!.Staged.Fence > ledger.Single(l => l.Key == e.Key).Committed!.Staged.Fence));
        Assert.Equal(2, (await RunAsync(["replay", id, "--workspace", workspace])).Code);
    }

    [Fact]
    public async Task Retry_makes_only_what_failed()
    {
        using var folder = new TestFolder();
        var (history, calls, workspace) = (folder.At("history.parquet"), folder.At("calls.parquet"), folder.At("w"));
        const string time = "TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_minutes(i * 30)";
        Duck.Execute($"SET TimeZone='UTC'; COPY ({Rows(2400, "'all'", time)}) TO '{history}' (FORMAT parquet); COPY ({Rows(200, "'d' || (i % 2)", $"CASE WHEN i IN (3, 5) THEN NULL ELSE {time} END")}) TO '{calls}' (FORMAT parquet)");
        string[] settings = ["--workspace", workspace, "--set", $"Sources:history={history}", "--set", $"Sources:calls={calls}"];
        var refused = await RunAsync(["run", "calls", .. settings, "--set", "DeadLetterLimit=0", "--json", "--max-parallel", "1"]);
        Assert.Equal(3, refused.Code);
        var id = JsonDocument.Parse(refused.Output).RootElement.GetProperty("run_id").GetString()!;
        Duck.Execute($"SET TimeZone='UTC'; COPY ({Rows(200, "'d' || (i % 2)", time)}) TO '{calls}' (FORMAT parquet)");
        var retried = await RunAsync(["retry", id, "--workspace", workspace]);
        Assert.True(retried.Code == 0, retried.Text);
        Assert.Equal(200, (await Workspaces.LedgerAsync(workspace, "calls/score")).Sum(e => e.Committed?.Staged.Rows ?? 0));
        Assert.Equal(2, (await RunAsync(["retry", "no-such-run", "--workspace", workspace])).Code);
    }

    static async Task<(int Code, string Output, string Text)> RunAsync(string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(() => [Pipeline()]) with { Out = output, Error = error }).RunAsync(args, TestContext.Current.CancellationToken);
        return (code, output.ToString(), output.ToString() + error);
    }
}
