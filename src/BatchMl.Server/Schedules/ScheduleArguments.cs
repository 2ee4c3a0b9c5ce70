using BatchMl.Hosting;
using BatchMl.Runs;

namespace BatchMl.Server.Schedules;

/// <summary>What a schedule asks of its job: the options of <c>run</c>, with templates of dates.</summary>
/// <param name="options">Reads options.</param>
/// <param name="given">What the file gives: names as in <c>--name</c>, and for each its values; without any, the option is a mere flag.</param>
sealed class ScheduleArguments(RunOptions options, IReadOnlyList<(string Name, IReadOnlyList<DateTemplate> Values)> given)
{
    // The instant that decides what is due is that of the occurrence, however late it is run.
    static readonly DateTemplate Occurrence = DateTemplate.Parse("{{ occurrence }}");

    /// <summary>The request for an occurrence.</summary>
    /// <exception cref="DefinitionException">A value is wrong; begins with the option's name.</exception>
    public RunRequest RequestOf(DateTimeOffset occurrence, TimeZoneInfo zone)
    {
        var line = new List<string>();
        var all = given.Any(g => g.Name == "due") && given.All(g => g.Name != "now") ? [.. given, ("now", [Occurrence])] : given;
        foreach (var (name, values) in all)
        {
            if (values.Count == 0) line.Add($"--{name}");
            foreach (var value in values) line.AddRange([$"--{name}", value.Of(occurrence, zone)]);
        }
        return options.Parse(line);
    }
}
