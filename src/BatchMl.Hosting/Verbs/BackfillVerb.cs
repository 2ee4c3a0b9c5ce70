using System.CommandLine;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Fills a range of dates.</summary>
sealed class BackfillVerb : MakingVerb
{
    readonly Option<string> order;
    readonly ScopeOptions scope;

    public BackfillVerb(BatchMlApplication application)
        : base(application, "backfill", "Fill a range of dates: like run, in an order, or only what failed or what data that came late affects. Again, it goes on where it was; side by side, no work is done twice")
    {
        order = Add(new Option<string>("--order") { Description = "Which dates first", HelpName = "ORDER", DefaultValueFactory = _ => "oldest" });
        order.AcceptOnlyFromAmong("oldest", "newest");
        scope = new ScopeOptions(Command);
    }

    protected override RunRequest Request(ParseResult parsed) =>
        base.Request(parsed) with { Order = parsed.GetValue(order) == "newest" ? PartitionOrder.Newest : PartitionOrder.Oldest, Scope = scope.Of(parsed) };
}

/// <summary>The options that say which partitions of a range.</summary>
sealed class ScopeOptions
{
    readonly Option<bool> failed = new("--retry-failed") { Description = "Only partitions whose latest attempt failed or was aborted" };
    readonly Option<bool> affected = new("--restate-affected") { Description = "Only published partitions whose inputs changed since; they are made again whatever the job's policy, unless it is freeze" };

    public ScopeOptions(Command command)
    {
        command.Options.Add(failed);
        command.Options.Add(affected);
    }

    public RunScope Of(ParseResult parsed) => (parsed.GetValue(failed), parsed.GetValue(affected)) switch
    {
        (true, true) => throw new DefinitionException("--retry-failed and --restate-affected are given together; expected one of them: the first is about partitions that were not made, the second about those that were."),
        (true, false) => RunScope.Failed,
        (false, true) => RunScope.Affected,
        _ => RunScope.All,
    };
}
