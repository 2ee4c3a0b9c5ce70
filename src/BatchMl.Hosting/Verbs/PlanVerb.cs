using System.CommandLine;
using System.Text.Json;
using BatchMl.Hosting.Output;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Shows what a run would do.</summary>
sealed class PlanVerb : JobVerb
{
    readonly Option<bool> json;

    public PlanVerb(BatchMlApplication application)
        : base(application, "plan", "Show what a run would do: sources, features, model, sink, partitions to do and to skip with the reason; no row is moved") => json = Json();

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (session, job, request) = Open(parsed);
        await using var _ = session;
        var steps = await new Runner(session.Environment, new SilentListener()).PlanAsync(job, request, cancel);
        try
        {
            if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(steps.Select(s => PlanDocument.Of(s.Plan, s.Decisions)), JsonText.Indented));
            else foreach (var (plan, decisions) in steps) PlanPrinter.Print(Application.Out, plan, decisions);
            return ExitCodes.Done;
        }
        finally
        {
            foreach (var (plan, _) in steps) plan.Dispose();
        }
    }

    sealed class SilentListener : RunListener;
}
