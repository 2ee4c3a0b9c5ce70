using System.CommandLine.Parsing;
using BatchMl.Hosting.Places;
using BatchMl.Hosting.Verbs;
using BatchMl.Runs;

namespace BatchMl.Hosting;

/// <summary>The options of <c>run</c> and <c>backfill</c>, for whoever keeps them elsewhere than on a command line.</summary>
public sealed class RunOptions
{
    // Where a run goes and how it is told is not part of what is asked for.
    static readonly string[] Others = ["workspace", "json", "help"];

    // Another of these is another ledger, in which nobody would look for the run.
    static readonly string[] places = [ProgramSettings.Names.Environment, ProgramSettings.Names.Workspace, ProgramSettings.Names.Models, ProgramSettings.Names.Storage];

    readonly BackfillVerb verb;

    /// <summary>The options of an application.</summary>
    public RunOptions(BatchMlApplication application)
    {
        verb = new BackfillVerb(application);
        Names = [.. verb.Command.Options.Select(o => o.Name.TrimStart('-')).Except(Others)];
    }

    /// <summary>Their names, without dashes before.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What options ask for.</summary>
    /// <param name="options">As on a command line, e.g. <c>--from</c>, <c>2013-10-01</c>.</param>
    /// <exception cref="DefinitionException">Everything that is wrong with them.</exception>
    public RunRequest Parse(IReadOnlyList<string> options)
    {
        var parsed = verb.Command.Parse(["JOB", .. options]);
        if (parsed.Errors.Count > 0) throw new DefinitionException([.. parsed.Errors.Select(Text)]);
        var request = verb.RequestWithSettings(parsed);
        var wrong = places.Where(p => request.Settings.Keys.Contains(p, StringComparer.OrdinalIgnoreCase)).Select(p => $"--set gives {p}, which is whoever runs this to say, for all runs. Leave it out.").ToArray();
        return wrong.Length > 0 ? throw new DefinitionException(wrong) : request;
    }

    // Some of them do not say which option they are about.
    static string Text(ParseError error) => error.SymbolResult is OptionResult { Option.Name: { } name } && !error.Message.Contains(name, StringComparison.Ordinal) ? $"{name}: {error.Message}" : error.Message;
}
