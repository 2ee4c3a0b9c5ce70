using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.Hosting.Verbs;

namespace BatchMl.Server.Schedules;

/// <summary><c>schedules check</c>: whether the files of a folder are right, and when they run.</summary>
public sealed class SchedulesVerb : Verb
{
    /// <summary>The verb of an application.</summary>
    public SchedulesVerb(BatchMlApplication application) : base(application, "schedules", "Look at schedule files") => Command.Subcommands.Add(new CheckVerb(application).Command);

    /// <inheritdoc/>
    protected override Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel) => throw new DefinitionException("'schedules' needs 'check'.");

    sealed class CheckVerb : Verb
    {
        const int Shown = 5;
        static readonly JsonSerializerOptions indented = new() { WriteIndented = true };

        readonly Option<string> folder;
        readonly Option<string?> now;
        readonly Option<string[]> set;
        readonly Option<bool> json;

        public CheckVerb(BatchMlApplication application) : base(application, "check", "Say everything that is wrong with the files of a folder, and when their schedules run next")
        {
            folder = Add(new Option<string>("--schedules") { Description = "Folder of schedule files", HelpName = "DIR", DefaultValueFactory = _ => "schedules" });
            now = Add(new Option<string?>("--now") { Description = "After which instant the next occurrences are, ISO 8601 with offset; default: the clock's", HelpName = "TIME" });
            set = Add(new Option<string[]>("--set") { Description = "A setting, as for 'serve'; may be repeated", HelpName = "KEY=VALUE", DefaultValueFactory = _ => [] });
            json = Json();
        }

        protected override async Task<int> InvokeAsync(ParseResult parsed, CancellationToken cancel)
        {
            var path = parsed.GetValue(folder)!;
            if (!Directory.Exists(path)) throw new DefinitionException($"--schedules is '{path}'; there is no such folder.");
            var after = Instant(parsed.GetValue(now), "--now") ?? Application.Clock.GetUtcNow();
            var entries = ScheduleFolder.Read(Path.GetFullPath(path), ScheduleWords.Of(Application, Application.Configuration(Settings(parsed, set))), new Dictionary<string, ScheduleEntry>()).Values.OrderBy(e => e.Name, StringComparer.Ordinal).ToArray();
            if (parsed.GetValue(json)) await Application.Out.WriteLineAsync(JsonSerializer.Serialize(entries.Select(e => Of(e, after)), indented));
            else foreach (var line in entries.SelectMany(e => Lines(e, after))) await Application.Out.WriteLineAsync(line);
            var problems = entries.SelectMany(e => e.Problems).ToArray();
            if (problems.Length > 0) throw new DefinitionException(problems);
            if (entries.Length == 0) await Application.Error.WriteLineAsync($"There are no schedules (*.yaml) in {path}.");
            return ExitCodes.Done;
        }

        static IReadOnlyList<string> Next(ScheduleEntry entry, DateTimeOffset after) =>
            [.. (entry.Schedule?.Next(after) ?? []).Take(Shown).Select(o => o.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture))];

        static object Of(ScheduleEntry entry, DateTimeOffset after) => new
        {
            name = entry.Name, job = entry.Schedule?.Job, cron = entry.Schedule?.CronText, zone = entry.Schedule?.Zone.Id, after = entry.Schedule?.After, enabled = entry.Schedule?.IsEnabled,
            queue = entry.Schedule?.Queue, next = Next(entry, after), problems = entry.Problems,
        };

        static IEnumerable<string> Lines(ScheduleEntry entry, DateTimeOffset after)
        {
            if (entry.Schedule is not { } schedule) yield break;
            yield return $"{entry.Name}: {schedule.Job}, {(schedule.After is { } before ? $"after {before}" : $"{schedule.CronText} {schedule.Zone.Id}")}{(schedule.IsEnabled ? "" : ", not enabled")}";
            foreach (var next in Next(entry, after)) yield return $"  {next}";
        }
    }
}
