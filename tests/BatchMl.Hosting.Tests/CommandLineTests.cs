using System.Reflection;
using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Hosting.Tests;

/// <summary>Verbs and configuration without any implementation behind the seams: what a command line is told before a catalog or a file is touched.</summary>
public sealed class CommandLineTests
{
    sealed class Nothing(string name) : DatasetJob(name, "Does nothing")
    {
        public override async Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel)
        {
            using var snapshot = await environment.Sources("table").OpenAsync(cancel);
            throw new InvalidOperationException("The table was opened.");
        }
    }

    static async Task<(int Code, string Output, string Error)> RunAsync(string configuration, params string[] args)
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.At("appsettings.json"), configuration, TestContext.Current.CancellationToken);
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await new BatchMlApplication
        {
            Jobs = () => [new Nothing("first/job"), new Nothing("second/job")],
            SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>
            {
                ["parquet"] = (b, _) => throw new DefinitionException($"parquet at {Path.GetRelativePath(folder.Path, b.Path)}"),
                ["csv"] = (b, _) => throw new DefinitionException($"csv at {Path.GetRelativePath(folder.Path, b.Path)}"),
            },
            Sink = _ => null!,
            Catalog = _ => DispatchProxy.Create<ICatalog, Unasked>(),
            Scorers = new Dictionary<string, Scoring.ScorerFactory>(),
            Clock = new FakeTimeProvider(),
            ConfigurationFolder = folder.Path,
            Out = output,
            Error = error,
        }.RunAsync(args, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public async Task List_names_the_jobs()
    {
        var (code, output, _) = await RunAsync("{}", "list");
        Assert.Equal(0, code);
        Assert.Contains("first/job", output, StringComparison.Ordinal);
        Assert.Contains("Does nothing", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("plan")]
    [InlineData("run")]
    [InlineData("backfill")]
    [InlineData("status")]
    [InlineData("retry")]
    [InlineData("replay")]
    [InlineData("explain")]
    [InlineData("lineage")]
    [InlineData("features")]
    public async Task Every_verb_has_help(string verb)
    {
        var (code, output, _) = await RunAsync("{}", verb, "--help");
        Assert.Equal(0, code);
        Assert.Contains("--json", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "Sources": { "table": { "Path": "data/t.parquet" } } }""", "parquet at data/t.parquet")]
    [InlineData("""{ "Sources": { "table": "data/t.csv" } }""", "csv at data/t.csv")]
    [InlineData("""{ "Sources": { "table": { "Path": "data/t.txt", "Format": "csv" } } }""", "csv at data/t.txt")]
    [InlineData("""{ "Sources": { "table": { "Path": "data/t.avro", "Format": "avro" } } }""", "has format 'avro'; there are: csv, parquet")]
    [InlineData("""{ "Sources": { "other": { "Path": "x" } } }""", "'table' is not bound to a place. Bound are: other")]
    [InlineData("""{ "Sources": { "table": { "Format": "csv" } } }""", "neither Path nor Sql")]
    public async Task A_source_is_where_the_configuration_says_relative_to_it(string configuration, string expected)
    {
        var (code, _, error) = await RunAsync(configuration, "plan", "first/job");
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_overrides_the_configuration()
    {
        var (_, _, error) = await RunAsync("""{ "Sources": { "table": { "Path": "a.parquet" } } }""", "plan", "first/job", "--set", "Sources:table:Path=b.parquet");
        Assert.Contains("parquet at b.parquet", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frist/job", "Did you mean 'first/job'?")]
    [InlineData("second", "Did you mean")]
    public async Task An_unknown_job_is_told_the_nearest(string job, string expected)
    {
        var (code, _, error) = await RunAsync("{}", "plan", job);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--memory", "1KiB", "at least 1MiB")]
    [InlineData("--from", "2013-13-01", "YYYY-MM-DD")]
    [InlineData("--max-parallel", "-1", "at least 1")]
    [InlineData("--set", "=x", "key=value")]
    [InlineData("--set", "DeadLetterLimit=many", "number of rows")]
    public async Task A_value_that_is_not_one_says_what_was_expected(string option, string value, string expected)
    {
        var (code, _, error) = await RunAsync("{}", "plan", "first/job", option, value);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--now is given without --due", "run", "--now", "2013-10-02T06:00:00Z")]
    [InlineData("ISO 8601 with its offset", "run", "--due", "--now", "2013-10-02T06:00:00")]
    [InlineData("ISO 8601 with its offset", "plan", "--due", "--now", "tomorrow")]
    [InlineData("--wait is '2 hours'; expected a length of time", "run", "--wait", "2 hours")]
    [InlineData("--wait is '-5m'", "backfill", "--wait", "-5m")]
    [InlineData("YYYY-MM-DD", "run", "--split-until", "2013-10")]
    [InlineData("expected one of them", "backfill", "--retry-failed", "--restate-affected")]
    [InlineData("'oldest'", "backfill", "--order", "best")]
    [InlineData("--from 2013-10-02 is not before", "backfill", "--from", "2013-10-02", "--to", "2013-10-02")]
    public async Task Options_of_mornings_and_backfills_say_what_was_expected(string expected, string verb, params string[] options)
    {
        var (code, _, error) = await RunAsync("{}", [verb, "first/job", .. options]);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_that_is_given_twice_is_named()
    {
        var (code, _, error) = await RunAsync("{}", "plan", "first/job", "--set", "Spark:Remote=a", "--set", "spark:remote=b");
        Assert.Equal(2, code);
        Assert.Contains("spark:remote twice", error, StringComparison.Ordinal);
    }

    /// <summary>A catalog that may be closed but not asked: planning a job that can not open its source asks it nothing.</summary>
    public class Unasked : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? method, object?[]? args) =>
            method!.Name == nameof(IAsyncDisposable.DisposeAsync) ? default(ValueTask) : throw new InvalidOperationException($"The catalog was asked: {method.Name}.");
    }
}
