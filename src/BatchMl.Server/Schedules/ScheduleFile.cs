using System.Globalization;
using System.Text.RegularExpressions;
using BatchMl.Hosting;
using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Dispatch;
using Cronos;
using Microsoft.Extensions.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace BatchMl.Server.Schedules;

/// <summary>Reads one file: all that is wrong in it at once, each with file, line, what was got and what is allowed.</summary>
/// <param name="words">What names there are to refer to.</param>
/// <param name="path">Path of the file, for messages.</param>
sealed partial class ScheduleFile(ScheduleWords words, string path)
{
    static readonly string[] Keys =
        ["job", "cron", "zone", "arguments", "start", "misfire", "overlap", "group", "limit", "time_limit", "retries", "late_after", "notify", "enabled", "after", "queue"];

    static readonly IReadOnlyDictionary<string, MisfirePolicy> Misfires = new Dictionary<string, MisfirePolicy> { ["one_run"] = MisfirePolicy.OneRun, ["every"] = MisfirePolicy.Every, ["skip"] = MisfirePolicy.Skip };

    static readonly IReadOnlyDictionary<string, OverlapPolicy> Overlaps = new Dictionary<string, OverlapPolicy> { ["skip"] = OverlapPolicy.Skip, ["queue"] = OverlapPolicy.Queue, ["cancel_previous"] = OverlapPolicy.CancelPrevious };

    readonly List<string> problems = [];
    readonly Dictionary<string, (YamlNode Node, long Line)> entries = [];

    /// <summary>What is wrong with it.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Line of the schedule that it comes after; 0 without one.</summary>
    public long LineOf(string key) => entries.TryGetValue(key, out var entry) ? entry.Line : 0;

    /// <summary>Says what is wrong.</summary>
    public void Add(long line, string problem) => problems.Add($"{path}:{line.ToString(CultureInfo.InvariantCulture)}: {string.Join(' ', problem.Split((char[])['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries))}");

    /// <summary>The schedule; null: something is wrong.</summary>
    public Schedule? Read(string text)
    {
        if (!Load(text)) return null;
        var zone = Zone();
        var cron = Cron();
        var schedule = new Schedule(Path.GetFileNameWithoutExtension(path), Job() ?? "", zone ?? TimeZoneInfo.Utc, Arguments(zone ?? TimeZoneInfo.Utc), "")
        {
            Cron = cron,
            CronText = Text("cron"),
            After = After(),
            Start = Start(zone ?? TimeZoneInfo.Utc),
            Misfire = OneOf("misfire", Misfires, MisfirePolicy.OneRun),
            Overlap = OneOf("overlap", Overlaps, OverlapPolicy.Queue),
            Group = Text("group"),
            GroupLimit = Number("limit", 1, 1) ?? 1,
            TimeLimit = Duration("time_limit"),
            Retries = Number("retries", 0, 0) ?? 0,
            LateAfter = Duration("late_after"),
            Notify = Notify(),
            IsEnabled = Flag("enabled") ?? true,
        };
        if (entries.ContainsKey("limit") && !entries.ContainsKey("group")) Add(LineOf("limit"), "'limit' is given without 'group'; it says how many runs of a group may go at once.");
        var queue = OneOf("queue", Queues.All.ToDictionary(q => q), "");
        if (problems.Count > 0) return null;
        return schedule with { Queue = queue.Length > 0 ? queue : Queues.Of(words.Jobs[schedule.Job]) };
    }

    bool Load(string text)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            Add(e.Start.Line, e.Message.StartsWith("Duplicate key", StringComparison.Ordinal) ? "a key is there twice; expected each once." : $"this is not YAML: {e.Message}");
            return false;
        }
        if (yaml.Documents is not [{ RootNode: YamlMappingNode root }])
        {
            Add(1, yaml.Documents.Count == 0 ? "the file is empty; expected 'job', 'cron' or 'after', and more." : "expected one map of keys, e.g. 'job: flight-delays/score'.");
            return false;
        }
        foreach (var (key, value) in root.Children)
        {
            if (key is YamlScalarNode { Value: { } name } && Keys.Contains(name)) entries[name] = (value, key.Start.Line);
            else Add(key.Start.Line, $"'{key}' is not known{Meant(key.ToString(), Keys)}; allowed are {string.Join(", ", Keys)}.");
        }
        return true;
    }

    static string Meant(string name, IEnumerable<string> known) => Nearest.To(name, known) is { } nearest ? $"; did you mean '{nearest}'?" : "";

    string? Job()
    {
        if (Text("job") is not { } job)
        {
            if (!entries.ContainsKey("job")) Add(1, "'job' is missing; expected the name of a job, see 'list'.");
            return null;
        }
        if (words.Jobs.ContainsKey(job)) return job;
        Add(LineOf("job"), $"'job' is '{job}', which there is not{Meant(job, words.Jobs.Keys)} Jobs are: {string.Join(", ", words.Jobs.Keys)}.");
        return null;
    }

    CronExpression? Cron()
    {
        if (Text("cron") is not { } text)
        {
            if (!entries.ContainsKey("cron") && !entries.ContainsKey("after")) Add(1, "neither 'cron' nor 'after' is there; expected when it runs: 'cron: 0 6 * * *', or 'after' with the name of another schedule.");
            return null;
        }
        if (entries.ContainsKey("after")) Add(LineOf("after"), "'after' and 'cron' are both there; a schedule that comes after another one runs when that did, so leave one out.");
        var fields = text.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Length;
        try
        {
            var cron = CronExpression.Parse(text, fields == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
            if (cron.GetNextOccurrence(new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc)) is not null) return cron;
            Add(LineOf("cron"), $"'cron' is '{text}', which never comes; expected e.g. '0 6 * * *'.");
        }
        catch (CronFormatException e)
        {
            Add(LineOf("cron"), $"'cron' is '{text}'; expected 5 fields (minute, hour, day of month, month, day of week) or 6 (second first), e.g. '0 6 * * *': {e.Message}");
        }
        return null;
    }

    string? After()
    {
        if (Text("after") is not { } after) return null;
        foreach (var key in (string[])["start", "misfire"])
        {
            if (entries.ContainsKey(key)) Add(LineOf(key), $"'{key}' is given beside 'after'; it belongs to the schedule that this one comes after.");
        }
        return after;
    }

    TimeZoneInfo? Zone()
    {
        if (Text("zone") is not { } name) return TimeZoneInfo.Utc;
        // Windows' names are understood by some systems and not by others.
        if (TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) && zone.HasIanaId) return zone;
        Add(LineOf("zone"), $"'zone' is '{name}', which is no IANA time zone of this machine{Meant(name, TimeZoneInfo.GetSystemTimeZones().Select(z => z.Id))} Expected e.g. Europe/Berlin; without it, UTC.");
        return null;
    }

    DateTimeOffset? Start(TimeZoneInfo zone)
    {
        if (Text("start") is not { } text) return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            var midnight = date.ToDateTime(TimeOnly.MinValue);
            return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight));
        }
        if (Zoned().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var instant)) return instant;
        Add(LineOf("start"), $"'start' is '{text}'; expected a date in the schedule's zone or an instant, e.g. 2013-10-01 or 2013-10-01T05:30:00Z.");
        return null;
    }

    ScheduleArguments Arguments(TimeZoneInfo zone)
    {
        var given = new List<(string Name, IReadOnlyList<DateTemplate> Values)>();
        var lines = new Dictionary<string, long>();
        var before = problems.Count;
        if (entries.TryGetValue("arguments", out var entry))
        {
            if (entry.Node is YamlMappingNode map) foreach (var (key, value) in map.Children) Argument(key, value, given, lines);
            else Add(entry.Line, "'arguments' is no map; expected options of 'run', e.g. 'due: true'.");
        }
        var arguments = new ScheduleArguments(words.Options, given);
        if (problems.Count > before) return arguments;
        try
        {
            // Of any occurrence: what is wrong with it is wrong with all.
            arguments.RequestOf(new DateTimeOffset(2020, 1, 15, 6, 0, 0, TimeSpan.Zero), zone);
        }
        catch (DefinitionException e)
        {
            foreach (var problem in e.Problems) Add(lines.Where(l => problem.Contains($"--{l.Key}", StringComparison.Ordinal)).Select(l => l.Value).FirstOrDefault(entry.Line), $"'arguments': {problem}");
        }
        catch (FormatException e)
        {
            Add(entry.Line, $"'arguments': {e.Message}.");
        }
        return arguments;
    }

    void Argument(YamlNode key, YamlNode value, List<(string Name, IReadOnlyList<DateTemplate> Values)> given, Dictionary<string, long> lines)
    {
        var name = key.ToString().Replace('_', '-');
        if (!words.Options.Names.Contains(name))
        {
            var names = words.Options.Names.Select(n => n.Replace('-', '_')).ToArray();
            Add(key.Start.Line, $"'{key}' is no option of 'run'{Meant(key.ToString(), names)} Allowed are {string.Join(", ", names)}.");
            return;
        }
        lines[name] = key.Start.Line;
        switch (value)
        {
            case YamlScalarNode { Value: "true", Style: ScalarStyle.Plain }:
                given.Add((name, []));
                break;
            case YamlScalarNode { Value: "false", Style: ScalarStyle.Plain }:
                break;
            case YamlScalarNode { Value: { Length: > 0 } text }:
                given.Add((name, [.. Templates(value.Start.Line, text)]));
                break;
            case YamlSequenceNode list when list.Children.All(c => c is YamlScalarNode):
                given.Add((name, [.. list.Children.SelectMany(c => Templates(c.Start.Line, ((YamlScalarNode)c).Value!))]));
                break;
            case YamlMappingNode map when name == "set" && map.Children.All(c => c is { Key: YamlScalarNode, Value: YamlScalarNode }):
                given.Add((name, [.. map.Children.SelectMany(c => Templates(c.Key.Start.Line, $"{c.Key}={((YamlScalarNode)c.Value).Value}"))]));
                break;
            default:
                Add(key.Start.Line, $"'{key}' has no value that an option can have; expected a text, true, {(name == "set" ? "a map of settings" : "or a list of texts")}.");
                break;
        }
    }

    IEnumerable<DateTemplate> Templates(long line, string text)
    {
        DateTemplate? template = null;
        try
        {
            template = DateTemplate.Parse(text);
        }
        catch (FormatException e)
        {
            Add(line, $"{e.Message}.");
        }
        if (template is not null) yield return template;
    }

    IReadOnlyList<string>? Notify()
    {
        if (!entries.TryGetValue("notify", out var entry)) return null;
        if (entry.Node is not YamlSequenceNode list || list.Children.Any(c => c is not YamlScalarNode))
        {
            Add(entry.Line, $"'notify' is no list; expected names of channels, e.g. [{words.Channels.FirstOrDefault() ?? "team"}].");
            return null;
        }
        foreach (var channel in list.Children.Where(c => !words.Channels.Contains(c.ToString(), StringComparer.OrdinalIgnoreCase)))
        {
            Add(channel.Start.Line, $"'notify' has '{channel}', which is no channel{Meant(channel.ToString(), words.Channels)} {(words.Channels.Count == 0 ? "None are configured: Notifications:NAME:…" : $"Channels are: {string.Join(", ", words.Channels)}.")}");
        }
        return [.. list.Children.Select(c => c.ToString())];
    }

    T OneOf<T>(string key, IReadOnlyDictionary<string, T> allowed, T otherwise)
    {
        if (Text(key) is not { } text) return otherwise;
        if (allowed.TryGetValue(text, out var value)) return value;
        Add(LineOf(key), $"'{key}' is '{text}'; expected one of {string.Join(", ", allowed.Keys)}.");
        return otherwise;
    }

    int? Number(string key, int least, int otherwise)
    {
        if (Text(key) is not { } text) return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= 1_000) return number;
        Add(LineOf(key), $"'{key}' is '{text}'; expected a number from {least} to 1000.");
        return null;
    }

    bool? Flag(string key)
    {
        if (Text(key) is not { } text) return null;
        if (text is "true" or "false") return text == "true";
        Add(LineOf(key), $"'{key}' is '{text}'; expected true or false.");
        return null;
    }

    TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text) return null;
        var match = Durations().Match(text);
        if (match.Success && int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) is > 0 and var count)
        {
            return count * match.Groups[2].Value switch { "s" => TimeSpan.FromSeconds(1), "m" => TimeSpan.FromMinutes(1), "h" => TimeSpan.FromHours(1), _ => TimeSpan.FromDays(1) };
        }
        Add(LineOf(key), $"'{key}' is '{text}'; expected a duration, e.g. 90s, 30m, 2h or 1d.");
        return null;
    }

    string? Text(string key)
    {
        if (!entries.TryGetValue(key, out var entry)) return null;
        if (entry.Node is YamlScalarNode { Value: { Length: > 0 } text }) return text;
        // Each of these has a reader of its own.
        Add(entry.Line, $"'{key}' has no value; expected one, or leave the key out.");
        return null;
    }

    [GeneratedRegex("^([0-9]{1,6})([smhd])$")]
    private static partial Regex Durations();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex Zoned();
}

/// <summary>What names a schedule may refer to.</summary>
/// <param name="Jobs">Jobs by name.</param>
/// <param name="Options">Options of <c>run</c>.</param>
/// <param name="Channels">Names of notification channels.</param>
sealed record ScheduleWords(IReadOnlyDictionary<string, Job> Jobs, RunOptions Options, IReadOnlyCollection<string> Channels)
{
    /// <summary>Those of an application as it is configured.</summary>
    public static ScheduleWords Of(BatchMlApplication application, IConfiguration configuration) =>
        new(application.NamedJobs(), new RunOptions(application), [.. configuration.GetSection("Notifications").GetChildren().Select(c => c.Key)]);
}
