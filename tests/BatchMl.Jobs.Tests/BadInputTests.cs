using BatchMl.Hosting;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>Bad input is a clear error before data moves: got, expected, where, what to do; and the exit code says what kind it was.</summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class BadInputTests(FlightDelaysRun run)
{
    sealed record Result(int Code, string Output, string Error);

    static async Task<Result> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync(args, TestContext.Current.CancellationToken);
        return new Result(code, output.ToString(), error.ToString());
    }

    static string Data(string name) => Path.Combine(Workspaces.Data, name);

    /// <summary>Runs the scoring job over a copy of the finished workspace with one source replaced; nothing of it may change.</summary>
    async Task<Result> WithSourceAsync(string source, string path, params string[] more)
    {
        // Failed runs and attempts are told to lineage, which others compare.
        using var folder = new TestFolder();
        Workspaces.Copy(run.Workspace, folder.At("workspace"));
        var result = await RunAsync([
            "run", "flight-delays/score", "--workspace", folder.At("workspace"), "--set", $"Sources:{source}:Path={path}", "--force", "--partition", "2013-12-31", .. more]);
        Assert.Equal(await Workspaces.ContentAsync(run.Workspace, "flight-delays/score"), await Workspaces.ContentAsync(folder.At("workspace"), "flight-delays/score"));
        Assert.Empty(Workspaces.Leftovers(folder.At("workspace")));
        return result;
    }

    [Fact]
    public async Task A_missing_file_is_named()
    {
        var result = await WithSourceAsync("weather", "/nowhere/weather.parquet");
        Assert.NotEqual(0, result.Code);
        Assert.Contains("/nowhere/weather.parquet", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_columns_and_wrong_types_are_reported_all_at_once()
    {
        using var folder = new TestFolder();
        var path = folder.At("weather.parquet");
        Duck.Execute($"COPY (SELECT origin, time_hour, temp::VARCHAR AS temp, dewp, humid, wind_speed, wind_gust, precip FROM '{Data("weather.parquet")}') TO '{path}' (FORMAT parquet)");
        var result = await WithSourceAsync("weather", path);
        Assert.Equal(2, result.Code);
        Assert.Contains("no column 'pressure'", result.Error, StringComparison.Ordinal);
        Assert.Contains("no column 'visib'", result.Error, StringComparison.Ordinal);
        Assert.Contains("Column 'temp'", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200_000)]
    public async Task A_truncated_file_is_no_Parquet_file(int length)
    {
        using var folder = new TestFolder();
        var path = folder.At("weather.parquet");
        await File.WriteAllBytesAsync(path, File.ReadAllBytes(Data("weather.parquet"))[..length], TestContext.Current.CancellationToken);
        var result = await WithSourceAsync("weather", path);
        Assert.Equal(1, result.Code);
        Assert.Contains(path, result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_source_has_no_rows_in_range()
    {
        using var folder = new TestFolder();
        var path = folder.At("flights.parquet");
        Duck.Execute($"COPY (SELECT * FROM '{Data("flights.parquet")}' LIMIT 0) TO '{path}' (FORMAT parquet)");
        var result = await WithSourceAsync("flights", path);
        Assert.Equal(2, result.Code);
        Assert.Contains("no such rows", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_range_without_rows_says_so()
    {
        using var folder = new TestFolder();
        Workspaces.Copy(run.Workspace, folder.At("workspace"));
        var result = await RunAsync("run", "flight-delays/score", "--workspace", folder.At("workspace"), "--from", "2020-01-01", "--to", "2020-02-01");
        Assert.Equal(2, result.Code);
        Assert.Contains("no rows", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_partition_that_does_not_exist_is_named()
    {
        using var folder = new TestFolder();
        Workspaces.Copy(run.Workspace, folder.At("workspace"));
        var result = await RunAsync("run", "flight-delays/score", "--workspace", folder.At("workspace"), "--partition", "2013-02-30");
        Assert.Equal(2, result.Code);
        Assert.Contains("2013-02-30", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task From_after_to_is_a_usage_error()
    {
        var result = await RunAsync("plan", "flight-delays", "--from", "2013-12-01", "--to", "2013-11-01", "--workspace", run.Workspace);
        Assert.Equal(2, result.Code);
        Assert.Contains("--from 2013-12-01 is not before --to 2013-11-01", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_job_gets_the_nearest_name()
    {
        var result = await RunAsync("run", "flight-delay");
        Assert.Equal(2, result.Code);
        Assert.Contains("Did you mean 'flight-delays'?", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run", "flight-delays", "--frmo", "2013-01-01")]
    [InlineData("run", "flight-delays", "--from", "yesterday")]
    [InlineData("run", "flight-delays", "--memory", "lots")]
    [InlineData("run", "flight-delays", "--set", "novalue")]
    [InlineData("run", "flight-delays", "--engine", "ray")]
    [InlineData("walk", "flight-delays")]
    [InlineData("run")]
    public async Task Unknown_options_and_values_are_usage_errors(params string[] args)
    {
        var result = await RunAsync(args);
        Assert.Equal(2, result.Code);
        Assert.NotEqual("", result.Error);
    }

    [Fact]
    public async Task An_unbound_source_names_those_that_are()
    {
        using var folder = new TestFolder();
        var (output, error) = (new StringWriter(), new StringWriter());
        var application = BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { ConfigurationFolder = folder.Path, Out = output, Error = error };
        var code = await application.RunAsync(["plan", "flight-delays/training-set", "--workspace", folder.At("w")], TestContext.Current.CancellationToken);
        Assert.Equal(2, code);
        Assert.Contains("'flights' is not bound", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("'weather' is not bound", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NaN_and_infinity_in_a_feature_are_scored_and_an_unknown_category_is_missing()
    {
        using var folder = new TestFolder();
        var path = folder.At("flights.parquet");
        Duck.Execute($"COPY (SELECT * REPLACE (CASE WHEN month = 12 AND day = 31 THEN 'XX' ELSE carrier END AS carrier, CASE WHEN day = 31 THEN 'NaN'::DOUBLE WHEN day = 30 THEN 'Infinity'::DOUBLE ELSE distance END AS distance) "
            + $"FROM '{Data("flights.parquet")}') TO '{path}' (FORMAT parquet)");
        var workspace = folder.At("workspace");
        Workspaces.CopyWithoutScores(run.Workspace, workspace);
        var result = await RunAsync("run", "flight-delays/score", "--workspace", workspace, "--set", $"Sources:flights:Path={path}", "--partition", "2013-12-31", "--partition", "2013-12-30");
        Assert.True(result.Code == 0, result.Output + result.Error);
        var ledger = await Workspaces.LedgerAsync(workspace, "flight-delays/score");
        Assert.Equal(2, ledger.Count);
        Assert.All(ledger, e => Assert.Equal(0, e.Committed!.Staged.DeadLetters));
    }

    [Fact]
    public async Task A_changed_model_file_is_found_before_anything_is_scored()
    {
        using var folder = new TestFolder();
        var workspace = folder.At("workspace");
        Workspaces.CopyWithoutScores(run.Workspace, workspace);
        await File.AppendAllTextAsync(Path.Combine(workspace, "models", "flight-delays", "1", "model.txt"), "x", TestContext.Current.CancellationToken);
        var result = await RunAsync("run", "flight-delays/score", "--workspace", workspace, "--partition", "2013-12-31");
        Assert.Equal(1, result.Code);
        Assert.Contains("digest", result.Output + result.Error, StringComparison.Ordinal);
        Assert.Empty(await Workspaces.LedgerAsync(workspace, "flight-delays/score"));
    }

    [Fact]
    public async Task Scoring_without_a_model_says_which_job_makes_it()
    {
        using var folder = new TestFolder();
        var result = await RunAsync("run", "flight-delays/score", "--workspace", folder.At("workspace"));
        Assert.Equal(2, result.Code);
        Assert.Contains("model flight-delays", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unwritable_workspace_is_an_error()
    {
        using var folder = new TestFolder();
        var file = folder.At("file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        var result = await RunAsync("run", "flight-delays", "--workspace", Path.Combine(file, "workspace"));
        Assert.Equal(1, result.Code);
        Assert.Contains(file, result.Output + result.Error, StringComparison.Ordinal);
    }
}
