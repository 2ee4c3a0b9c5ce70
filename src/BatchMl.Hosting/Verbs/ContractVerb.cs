using System.CommandLine;
using System.Text;
using BatchMl.Contracts;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Shows how a job's output stands to its contract, or writes the contract.</summary>
sealed class ContractVerb : Verb
{
    readonly Argument<string> job;
    readonly Option<string?> workspace;
    readonly Option<string[]> set;
    readonly Option<bool> accept, json;

    public ContractVerb(BatchMlApplication application) : base(application, "contract", "Show what a job's output is, and how that differs from its contract; with --accept, make it the contract")
    {
        job = JobName();
        accept = Add(new Option<bool>("--accept") { Description = "Write the contract as the output is now, into the folder of the setting Contracts" });
        workspace = Workspace();
        set = Add(new Option<string[]>("--set") { Description = "A setting, e.g. Contracts=jobs/contracts; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
        json = Json();
    }

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        await using var session = Application.Open(new SessionOptions(parsed.GetValue(workspace), Settings(parsed, set)));
        var folder = session.Environment.Contracts!;
        var found = Find(parsed.GetValue(job)!);
        var outputs = new List<(DatasetJob Job, OutputContract Now)>();
        foreach (var step in found is PipelineJob pipeline ? pipeline.Steps : [(DatasetJob)found])
        {
            if (await step.OutputAsync(session.Environment, new RunRequest(), cancel) is { } output) outputs.Add((step, OutputContract.Of(step, output)));
        }
        if (outputs.Count == 0) throw new DefinitionException($"Job '{found.Name}' has no rows that a contract could be of: expected a job that makes a training set, or one that scores and whose models are made. Run the training job first.");
        if (parsed.GetValue(accept))
        {
            foreach (var (step, now) in outputs) await Application.Out.WriteLineAsync($"{now.Write(folder, step)} is written. Commit it beside the job's code.");
            return ExitCodes.Done;
        }
        var breaks = false;
        foreach (var (step, now) in outputs)
        {
            if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(Encoding.UTF8.GetString(now.ToJson()));
            breaks |= await TellAsync(step, now, folder, parsed.GetValue(json) ? Application.Error : Application.Out);
        }
        return breaks ? ExitCodes.Usage : ExitCodes.Done;
    }

    /// <summary>Tells how an output stands to its contract; true: it breaks it.</summary>
    static async Task<bool> TellAsync(DatasetJob job, OutputContract now, string folder, TextWriter to)
    {
        var contract = OutputContract.Read(folder, job);
        var changes = contract?.To(now);
        await to.WriteLineAsync(changes switch
        {
            null => $"{job.Name}: no contract at {OutputContract.PathOf(folder, job)}; --accept writes it",
            { Breaking.Count: > 0 } => $"{job.Name}: breaks {OutputContract.PathOf(folder, job)}",
            { Compatible.Count: > 0 } => $"{job.Name}: keeps {OutputContract.PathOf(folder, job)}, which lacks",
            _ => $"{job.Name}: as {OutputContract.PathOf(folder, job)}",
        });
        foreach (var line in changes is null ? [] : changes.Breaking.Concat(changes.Compatible)) await to.WriteLineAsync($"  - {line}");
        return changes?.Breaking.Count > 0;
    }
}
