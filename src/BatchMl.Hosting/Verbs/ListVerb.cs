using System.CommandLine;
using System.Text.Json;
using BatchMl.Runs;

namespace BatchMl.Hosting.Verbs;

/// <summary>Lists the jobs.</summary>
sealed class ListVerb : Verb
{
    readonly Option<bool> json;

    public ListVerb(BatchMlApplication application) : base(application, "list", "List the jobs") => json = Json();

    protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var jobs = Application.NamedJobs().Values;
        if (parsed.GetValue(json))
        {
            await Application.Out.WriteLineAsync(JsonSerializer.Serialize(
                jobs.Select(j => new { name = j.Name, description = j.Description, steps = j is PipelineJob p ? p.Steps.Select(s => s.Name) : null }), Output.JsonText.Indented));
            return ExitCodes.Done;
        }
        var width = jobs.Max(j => j.Name.Length);
        foreach (var job in jobs) await Application.Out.WriteLineAsync($"{job.Name.PadRight(width)}  {job.Description}");
        return ExitCodes.Done;
    }
}
