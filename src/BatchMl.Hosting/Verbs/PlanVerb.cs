using System.CommandLine;
using System.Text.Json;
using BatchMl.Contracts;
using BatchMl.Hosting.Output;
using BatchMl.Jobs;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Shows what a run would do.</summary>
sealed class PlanVerb : JobVerb
{
    readonly Option<bool> json;
    readonly ScopeOptions scope;

    public PlanVerb(BatchMlApplication application)
        : base(application, "plan", "Show what a run would do: sources, features, model, sink, partitions to do and to skip with the reason; no row is moved")
    {
        scope = new ScopeOptions(Command);
        json = Json();
    }

    protected override RunRequest Request(ParseResult parsed) => base.Request(parsed) with { Scope = scope.Of(parsed) };

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (session, job, request) = Open(parsed);
        await using var _ = session;
        var steps = await new Runner(session.Environment, new SilentListener()).PlanAsync(job, request, cancel);
        try
        {
            var documents = new List<PlanDocument>();
            foreach (var (plan, decisions) in steps)
            {
                var todo = decisions.Where(d => d.Kind is DecisionKind.New or DecisionKind.Redo).Select(d => d.Partition).ToArray();
                var sections = plan.Describe().Prepend(session.Bound(plan.Job)).Concat(await ContractAsync(plan.Job, session.Environment, request, cancel)).Concat(await plan.CheckOutputAsync(todo, cancel)).Concat(await plan.DescribeEngineAsync(todo, cancel)).ToArray();
                if (parsed.GetValue(json)) documents.Add(PlanDocument.Of(plan, sections, decisions));
                else PlanPrinter.Print(Application.Out, plan, sections, decisions);
            }
            if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(documents, JsonText.Indented));
            return ExitCodes.Done;
        }
        finally
        {
            foreach (var (plan, _) in steps) plan.Dispose();
        }
    }

    // A model or a report has no columns of its job's design.
    static async Task<IReadOnlyList<PlanSection>> ContractAsync(DatasetJob job, JobEnvironment environment, RunRequest request, CancellationToken cancel) =>
        job is ScoreJob or TrainingSetJob ? [new PlanSection("contract", await OutputContract.CheckAsync(job, environment, request, cancel))] : [];
}

/// <summary>Of what is only planned nobody need hear.</summary>
sealed class SilentListener : RunListener;
