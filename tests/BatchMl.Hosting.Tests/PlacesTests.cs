using System.Reflection;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Jobs;
using BatchMl.Lineage;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Hosting.Tests;

/// <summary>Where sources, sinks, workspace and models are, who says so, and what is said when that can not be.</summary>
public sealed class PlacesTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly StringWriter output = new(), error = new();
    SourceBinding? bound;
    IReadOnlyDictionary<string, string?> told = new Dictionary<string, string?>();

    /// <summary>A row of either source.</summary>
    public sealed record Entry(long Id, DateTimeOffset At);

    sealed class TwoSources() : DatasetJob("two", "Reads two sources")
    {
        static readonly FeatureView Orders = FeatureView.Of(Source.Bind<Entry>("orders").EventTime(e => e.At), key: e => e.Id).Latest(e => e.At, "latest");

        public override IReadOnlyList<FeatureQuery> Queries { get; } =
            [FeatureQuery.Create(Spine.From(Source.Bind<Entry>("asked")).Key(e => e.Id).AsOf(e => e.At), FeatureService.Of("s", 1, Orders), null)];

        public override Task<JobPlan> PlanAsync(JobEnvironment environment, RunRequest request, CancellationToken cancel) => Task.FromResult<JobPlan>(new Plan(this, environment));
    }

    // There is nothing to do, and it tells where it would be done.
    sealed class Plan(TwoSources job, JobEnvironment environment) : JobPlan
    {
        public override DatasetJob Job => job;
        public override ISink Sink => environment.Sink;
        public override IReadOnlyList<PlannedPartition> Partitions => [];
        public override IReadOnlyList<PlanSection> Describe() => [new("opened", [$"workspace {environment.Workspace.Root}", $"models {environment.Models.Root}"])];
        public override JobLineage Lineage => throw new NotSupportedException();
        public override IReadOnlyList<IReadOnlyList<PlannedPartition>> Units(IReadOnlyList<PlannedPartition> partitions) => [];
        public override Task<IReadOnlyList<PartitionResult>> ExecuteAsync(UnitOfWork unit, CancellationToken cancel) => throw new NotSupportedException();
        public override void VerifyInputs() { }
    }

    /// <summary>A catalog in which nothing is.</summary>
    public class EmptyCatalog : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? method, object?[]? args) => method!.Name switch
        {
            nameof(IAsyncDisposable.DisposeAsync) => default(ValueTask),
            nameof(ICatalog.LedgerAsync) => Task.FromResult<IReadOnlyList<LedgerEntry>>([]),
            _ => throw new InvalidOperationException($"The catalog was asked: {method.Name}."),
        };
    }

    BatchMlApplication Application() => new()
    {
        Jobs = () => [new TwoSources()],
        SourceFormats = new[] { "parquet", "csv", "sql", "postgres" }.ToDictionary(f => f, _ => new Func<SourceBinding, SessionContext, IBatchSource>((binding, context) =>
        {
            (bound, told) = (binding, context.SourceSettings);
            return null!;
        })),
        Sink = _ => new FolderSink("workspace"),
        Catalog = _ => DispatchProxy.Create<ICatalog, EmptyCatalog>(),
        Scorers = new Dictionary<string, Scoring.ScorerFactory>(),
        ConfigurationFolder = folder.At("configuration"),
        Out = output,
        Error = error,
    };

    void Settings(string json, string file = "appsettings.json")
    {
        Directory.CreateDirectory(folder.At("configuration"));
        File.WriteAllText(folder.At("configuration", file), json);
    }

    async Task<string> PlanAsync(params string[] args)
    {
        var code = await Application().RunAsync(["plan", "two", .. args.Contains("--workspace") ? [] : new[] { "--workspace", folder.At("w") }, .. args], TestContext.Current.CancellationToken);
        Assert.True(code == 0, error.ToString());
        return output.ToString();
    }

    async Task<string> RefusedAsync(params string[] args)
    {
        Assert.Equal(ExitCodes.Usage, await Application().RunAsync(["plan", "two", "--workspace", folder.At("w"), .. args], TestContext.Current.CancellationToken));
        return error.ToString();
    }

    const string Bound = """{ "Sources": { "asked": { "Path": "asked.csv" }, "orders": { "Path": "data/*.parquet" } } }""";

    [Fact]
    public async Task Plan_shows_what_is_bound_to_what_and_who_says_so()
    {
        Settings(Bound);
        Settings("""{ "Sources": { "orders": { "Path": "", "Format": "postgres", "Table": "shop.orders", "Connection": "file:secret.txt" } } }""", "appsettings.Staging.json");
        File.WriteAllText(folder.At("configuration", "secret.txt"), "Host=h;Password=hunter2");
        var plan = await PlanAsync("--environment", "Staging", "--set", "Sources:asked:Path=other.csv");
        Assert.Contains("settings: appsettings.json, appsettings.Staging.json; environment Staging (--environment)", plan, StringComparison.Ordinal);
        Assert.Contains("source asked: csv other.csv (--set, over appsettings.json)", plan, StringComparison.Ordinal);
        Assert.Contains("source orders: postgres table shop.orders (appsettings.Staging.json), Connection file:secret.txt (appsettings.Staging.json)", plan, StringComparison.Ordinal);
        Assert.Contains("catalog: catalog.db, in the workspace (default)", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_shows_it_as_json_too()
    {
        Settings(Bound);
        Assert.Contains("source orders: parquet data/*.parquet (appsettings.json)", await PlanAsync("--json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_in_the_settings_themselves_is_never_shown()
    {
        Settings(Bound);
        var plan = await PlanAsync("--set", "Storage=postgres://ann:hunter2@db/x");
        Assert.Contains("catalog: PostgreSQL, by an address that is not shown (--set)", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", plan + error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workspace_and_models_are_where_the_settings_say_relative_to_them()
    {
        Settings("""{ "Workspace": "../work", "Models": "../models", "Sources": { "asked": "a.csv", "orders": "o.csv" } }""");
        Assert.Equal(0, await Application().RunAsync(["plan", "two"], TestContext.Current.CancellationToken));
        Assert.Contains($"workspace {folder.At("work")}", output.ToString(), StringComparison.Ordinal);
        Assert.Contains($"models {folder.At("models")}", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("workspace: ../work (appsettings.json)", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_option_wins_over_the_setting()
    {
        Settings("""{ "Workspace": "../work", "Sources": { "asked": "a.csv", "orders": "o.csv" } }""");
        var plan = await PlanAsync();
        Assert.Contains($"workspace {folder.At("w")}", plan, StringComparison.Ordinal);
        Assert.Contains("(--workspace)", plan, StringComparison.Ordinal);
        Assert.Contains($"models {folder.At("w", "models")}", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_workspace_is_refused_the_models_of_the_first()
    {
        Settings("""{ "Models": "../models", "Sources": { "asked": "a.csv", "orders": "o.csv" } }""");
        await PlanAsync();
        Assert.Equal(ExitCodes.Usage, await Application().RunAsync(["plan", "two", "--workspace", folder.At("other")], TestContext.Current.CancellationToken));
        Assert.Contains($"the models of the workspace {folder.At("w")}", error.ToString(), StringComparison.Ordinal);
        // A workspace that is moved takes its models along.
        Directory.Move(folder.At("w"), folder.At("moved"));
        await PlanAsync("--workspace", folder.At("moved"));
    }

    [Fact]
    public async Task What_processes_elsewhere_are_told_opens_the_same_places()
    {
        Settings("""{ "Models": "../models", "Sources": { "asked": "a.csv", "orders": { "Path": "o.csv", "Table": "" } } }""");
        await using var session = Application().Open(new SessionOptions(folder.At("w"), new Dictionary<string, string?> { ["Sources:asked"] = "b.csv" }));
        session.Environment.Sources("asked");
        Assert.Equal((folder.At("configuration", "b.csv"), folder.At("configuration", "o.csv"), folder.At("models")), (told["Sources:asked:Path"], told["Sources:orders:Path"], told["Models"]));
        Assert.Equal(folder.At("models"), Application().TaskEnvironment(folder.At("w"), told).Models.Root);
    }

    [Fact]
    public async Task An_environment_that_has_no_file_is_said()
    {
        Settings(Bound);
        Settings("{}", "appsettings.Staging.json");
        Assert.Contains("there is no appsettings.Stagin.json", await RefusedAsync("--environment", "Stagin"), StringComparison.Ordinal);
        Assert.Contains("Did you mean 'Staging'?", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("")]
    public async Task An_environment_is_a_name(string environment)
    {
        Settings(Bound);
        Assert.Contains("expected a name", await RefusedAsync("--environment", environment), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        Settings("""{ "Storage": "env:BATCHML_NOT_THERE", "Sink": "nowhere://x", "Sources": { "asked": { "Pth": "a.csv", "Path": "a.csv" }, "orders": { "Table": "t", "Path": "o.csv" } } }""");
        var message = await RefusedAsync();
        Assert.Contains("Storage (appsettings.json) refers to the environment variable BATCHML_NOT_THERE, which is not set", message, StringComparison.Ordinal);
        Assert.Contains("the setting Sink", message, StringComparison.Ordinal);
        Assert.Contains("There is no setting Sources:asked:Pth (appsettings.json). Did you mean 'Path'?", message, StringComparison.Ordinal);
        Assert.Contains("Sources:orders is bound twice: Path (appsettings.json) and Table (appsettings.json)", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Places_of_two_files_are_both_named()
    {
        Settings(Bound);
        Settings("""{ "Sources": { "orders": { "Sql": "SELECT 1" } } }""", "appsettings.Staging.json");
        Assert.Contains("Sources:orders is bound twice: Path (appsettings.json) and Sql (appsettings.Staging.json)", await RefusedAsync("--environment", "Staging"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "Sources": { "orders": "o.csv" } }""", "Source 'asked' is not bound to a place. Bound are: orders")]
    [InlineData("""{ "Sources": { "asked": "a.csv", "orders": { "Format": "postgres", "Table": "t", "Connection": "file:gone.txt" } } }""", "Sources:orders:Connection (appsettings.json) refers to the file")]
    [InlineData("""{ "Sources": { "asked": "a.csv", "orders": { "Format": "avro", "Path": "o.avro" } } }""", "has format 'avro'; there are: csv")]
    [InlineData("""{ "Sources": { "asked": "a.csv", "orders": { "Path": ["o.csv", "p.csv"] } } }""", "Sources:orders:Path is a list or a section")]
    [InlineData("""{ "Sources": { "asked": "a.csv", "orders": { "Path": "o.csv", "PartitionBy": "day" } } }""", "has PartitionBy (appsettings.json), which format csv does not take")]
    [InlineData("""{ "Sources": { "asked": "a.csv", "orders": { "Format": "postgres", "Table": "t", "Watermark": "at", "Connection": "env:PATH" } } }""", "Sources:orders has Watermark (appsettings.json) and no PartitionBy")]
    [InlineData("{ \"Sources\": { \"orders\": { \"Path\": \"o.csv\",\n \"path\": \"p.csv\" } } }", "appsettings.json has Sources:orders:path twice, in lines 1 and 2")]
    [InlineData("{ \"Sources\": {},\n\n \"sources\": {} }", "appsettings.json has sources twice, in lines 1 and 3")]
    [InlineData("{ \"Sources\": { \"asked\": \"a.csv\" },\n \"Sources:asked\": \"b.csv\" }", "appsettings.json has Sources:asked twice, in lines 1 and 2")]
    [InlineData("{ \"Sources\": {\n", "appsettings.json, line 2: ")]
    [InlineData("[]", "appsettings.json is a list; expected an object")]
    [InlineData("""{ "Environment": "Staging" }""", "Environment is set by appsettings.json, which is read too late")]
    public async Task What_can_not_be_is_said_with_its_place(string settings, string expected)
    {
        Settings(settings);
        Assert.Contains(expected, await RefusedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_of_one_place()
    {
        Settings("""{ "Sources": { "asked": "a.csv", "orders": { "Sql": "SELECT 1", "Files": ["a.csv", "b.csv"] } } }""");
        await using var session = Application().Open(new SessionOptions(folder.At("w"), new Dictionary<string, string?> { ["Sources:orders:Files:0"] = "c.csv" }));
        session.Environment.Sources("orders");
        Assert.Equal([folder.At("configuration", "c.csv")], bound!.Files);
        // Elsewhere too, where the same appsettings.json is read.
        Application().TaskEnvironment(folder.At("w"), told).Sources("orders");
        Assert.Equal([folder.At("configuration", "c.csv")], bound!.Files);
    }

    [Theory]
    [InlineData("Workspace=x")]
    [InlineData("storage=memory")]
    [InlineData("Models=x")]
    [InlineData("Environment=x")]
    public void A_schedule_can_not_lead_a_run_elsewhere(string setting)
    {
        Settings(Bound);
        var problem = Assert.Throws<DefinitionException>(() => new RunOptions(Application()).Parse(["--set", setting]));
        Assert.Contains("which is whoever runs this to say", problem.Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
