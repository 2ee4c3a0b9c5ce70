using System.Reflection;
using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Hosting.Tests;

/// <summary>Where scored rows land: <c>--sink</c> and the setting behind it.</summary>
public sealed class SinkOptionTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly StringWriter error = new();
    SessionContext? given;

    // Says where scores would land, and what of it is kept with the run.
    sealed class Tells() : DatasetJob("tells", "Tells")
    {
        public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) =>
            throw new DefinitionException($"scores in {environment.Scores.Root}, kept {request.Settings.GetValueOrDefault("Sink") ?? "nothing"}");
    }

    BatchMlApplication Application(string configuration = "{}")
    {
        File.WriteAllText(folder.At("appsettings.json"), configuration);
        return new BatchMlApplication
        {
            Jobs = () => [new Tells()],
            SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>(),
            Sink = _ => new FolderSink("workspace"),
            ScoreSinks = new Dictionary<string, Func<Uri, SessionContext, IBatchSink>>
            {
                ["warehouse"] = (address, context) =>
                {
                    given = context;
                    return new FolderSink(address.OriginalString);
                },
            },
            Catalog = _ => DispatchProxy.Create<ICatalog, CommandLineTests.Unasked>(),
            Scorers = new Dictionary<string, Scoring.ScorerFactory>(),
            ConfigurationFolder = folder.Path,
            Out = TextWriter.Null,
            Error = error,
        };
    }

    async Task<string> PlanAsync(string configuration, params string[] args)
    {
        Assert.Equal(ExitCodes.Usage, await Application(configuration).RunAsync(["plan", "tells", .. args], TestContext.Current.CancellationToken));
        return error.ToString().Trim();
    }

    [Fact]
    public async Task By_default_scores_land_where_all_lands() => Assert.Equal("scores in workspace, kept nothing", await PlanAsync("{}"));

    [Theory]
    [InlineData("{}", new[] { "--sink", "warehouse://p/d" }, "scores in warehouse://p/d, kept warehouse://p/d")]
    [InlineData("{}", new[] { "--set", "Sink=warehouse://p/d" }, "scores in warehouse://p/d, kept warehouse://p/d")]
    [InlineData("""{ "Sink": "warehouse://p/d" }""", new string[0], "scores in warehouse://p/d, kept warehouse://p/d")]
    [InlineData("""{ "Sink": "warehouse://p/d" }""", new[] { "--sink", "parquet" }, "scores in workspace, kept parquet")]
    public async Task The_option_wins_and_what_it_says_is_kept_for_a_retry(string configuration, string[] args, string expected) => Assert.Equal(expected, await PlanAsync(configuration, args));

    [Fact]
    public async Task An_address_of_no_sink_is_refused() =>
        Assert.Equal("--sink (the setting Sink) is 'elsewhere://p/d'; expected 'parquet' for files in the workspace, or an address that begins with warehouse://.", await PlanAsync("{}", "--sink", "elsewhere://p/d"));

    [Fact]
    public async Task Option_and_setting_together_are_refused() => Assert.Contains("given together", await PlanAsync("{}", "--sink", "parquet", "--set", "Sink=parquet"), StringComparison.Ordinal);

    [Fact]
    public async Task Processes_elsewhere_are_told_of_the_sink_but_not_how_to_log_in()
    {
        await using var session = Application("""{ "Warehouse": { "Mode": "merge", "Keys": [ "a", "b" ], "Credentials": "file:/key.json" } }""")
            .Open(new SessionOptions(folder.Path, new Dictionary<string, string?> { ["Sink"] = "warehouse://p/d" }));
        Assert.NotSame(session.Environment.Sink, session.Environment.Scores);
        var told = given!.SourceSettings;
        Assert.Equal(("warehouse://p/d", "merge", "b"), (told["Sink"], told["Warehouse:Mode"], told["Warehouse:Keys:1"]));
        Assert.DoesNotContain(told, s => s.Value == "file:/key.json");
        // What they are told opens the same sink.
        Assert.Equal("warehouse://p/d", Application().TaskEnvironment(folder.Path, told).Scores.Root);
    }

    [Fact]
    public void Schedules_may_say_it() => Assert.Contains("sink", new RunOptions(Application()).Names);

    public void Dispose() => folder.Dispose();
}
