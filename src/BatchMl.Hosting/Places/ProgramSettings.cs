using System.Text.RegularExpressions;
using BatchMl.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace BatchMl.Hosting.Places;

/// <summary>A setting as one place says it.</summary>
/// <param name="Value">Its text; empty: it is taken back.</param>
/// <param name="Origin">Which file, variable or option.</param>
/// <param name="Rank">The greater one wins.</param>
sealed record SaidSetting(string Value, string Origin, int Rank);

/// <summary>All settings of a program, and where each is said: <c>appsettings.json</c>, that of the environment, <c>BATCHML_…</c> variables, the command line; the later one wins.</summary>
sealed partial class ProgramSettings
{
    const string Prefix = "BATCHML_";
    const string Base = "appsettings.json";

    readonly IConfigurationRoot root;

    ProgramSettings(string folder, IReadOnlyDictionary<string, string?> given, string environment, string environmentOrigin)
    {
        (Folder, Environment, EnvironmentOrigin) = (folder, environment, environmentOrigin);
        root = new ConfigurationBuilder().SetBasePath(folder)
            .AddJsonFile(Base, optional: true).AddJsonFile(FileOf(environment), optional: true).AddEnvironmentVariables(Prefix).AddInMemoryCollection(given).Build();
        // Which folder a program is started in must not decide which secret it finds.
        var absolute = root.AsEnumerable().Where(s => s.Value is not null && SecretFile().IsMatch(s.Value)).Select(s => new KeyValuePair<string, string?>(s.Key, SecretFile().Replace(s.Value!, m => m.Groups[1].Value + Absolute(m.Groups[2].Value))));
        Configuration = new ConfigurationBuilder().AddConfiguration(root).AddInMemoryCollection(absolute).Build();
    }

    /// <summary>The settings; secrets in files have absolute paths.</summary>
    public IConfiguration Configuration { get; }

    /// <summary>What relative paths of settings are relative to: the folder of <c>appsettings.json</c>, whoever says them.</summary>
    public string Folder { get; }

    /// <summary>The environment's name.</summary>
    public string Environment { get; }

    /// <summary>Who chose it.</summary>
    public string EnvironmentOrigin { get; }

    /// <summary>The files of settings that there are.</summary>
    public IEnumerable<string> Files => new[] { Base, FileOf(Environment) }.Where(f => File.Exists(Path.Combine(Folder, f)));

    /// <summary>Reads the settings.</summary>
    /// <param name="folder">Of <c>appsettings.json</c>.</param>
    /// <param name="given">What the command line says.</param>
    /// <exception cref="DefinitionException">All that is wrong with the files.</exception>
    public static ProgramSettings Read(string folder, IReadOnlyDictionary<string, string?> given)
    {
        var asked = given.FirstOrDefault(g => g.Key.Equals(Names.Environment, StringComparison.OrdinalIgnoreCase)).Value;
        var variable = System.Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT");
        var (environment, origin) = asked is not null ? (asked, "--environment") : string.IsNullOrEmpty(variable) ? ("Production", "default") : (variable, "DOTNET_ENVIRONMENT");
        if (environment.Length == 0 || environment.AsSpan().ContainsAny(Path.GetInvalidFileNameChars()) || environment.Contains('\\', StringComparison.Ordinal))
            throw new DefinitionException($"The environment is '{environment}' ({origin}); expected a name such as Staging, of a file appsettings.Staging.json.");
        var problems = new List<string>();
        if (asked is not null && !File.Exists(Path.Combine(folder, FileOf(asked)))) problems.Add(NoFile(folder, asked));
        foreach (var file in new[] { Base, FileOf(environment) }) problems.AddRange(SettingsFile.Problems(folder, file));
        if (problems.Count > 0) throw new DefinitionException(problems);
        var settings = new ProgramSettings(folder, given, environment, origin);
        return settings.Find(Names.Environment) is { } said && said.Origin != "--environment"
            ? throw new DefinitionException($"{Names.Environment} is set by {said.Origin}, which is read too late for that. Choose it by --environment or DOTNET_ENVIRONMENT.") : settings;
    }

    static string NoFile(string folder, string environment)
    {
        var others = Directory.Exists(folder) ? Directory.GetFiles(folder, "appsettings.*.json").Select(f => Path.GetFileName(f)[12..^5]).Order(StringComparer.Ordinal).ToArray() : [];
        return $"--environment is '{environment}', but there is no {FileOf(environment)} beside {Base} in {folder}. "
            + (Nearest.To(environment, others) is { } nearest ? $"Did you mean '{nearest}'? There are: {string.Join(", ", others)}." : "There is none for any environment.");
    }

    static string FileOf(string environment) => $"appsettings.{environment}.json";

    /// <summary>A setting by all who say it, the one that wins last.</summary>
    public IReadOnlyList<SaidSetting> All(string key) =>
        [.. root.Providers.Select((p, i) => p.TryGet(key, out var value) ? new SaidSetting(value ?? "", OriginOf(p, key), i) : null).OfType<SaidSetting>()];

    /// <summary>The setting that wins; null: nobody says it, or it is taken back.</summary>
    public SaidSetting? Find(string key) => All(key) is [.., { Value.Length: > 0 } last] ? last : null;

    /// <summary>Who says a setting, and whom that wins over, for a person.</summary>
    public string Origin(string key)
    {
        var origins = All(key).Select(s => s.Origin).Reverse().ToArray();
        return origins.Length switch { 0 => "default", 1 => origins[0], _ => $"{origins[0]}, over {string.Join(" and ", origins[1..])}" };
    }

    /// <summary>A path of the settings as an absolute one.</summary>
    public string Absolute(string path) => path.Length == 0 || path.Contains("://", StringComparison.Ordinal) ? path : Path.GetFullPath(path, Folder);

    /// <summary>The workspace: what the option says, relative to the working directory, else the setting, else <c>.batchml</c> in the working directory.</summary>
    public Workspace Workspace(string? option) => new(option ?? (Find(Names.Workspace) is { } said ? Absolute(said.Value) : Names.DefaultWorkspace));

    static string OriginOf(IConfigurationProvider provider, string key) => provider switch
    {
        JsonConfigurationProvider json => json.Source.Path!,
        EnvironmentVariablesConfigurationProvider => System.Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .FirstOrDefault(v => v.Replace("__", ":", StringComparison.Ordinal).Equals(Prefix + key, StringComparison.OrdinalIgnoreCase)) ?? Prefix + key.Replace(":", "__", StringComparison.Ordinal),
        _ => key.Equals(Names.Environment, StringComparison.OrdinalIgnoreCase) ? "--environment" : key.Equals(SinkAddress.Setting, StringComparison.OrdinalIgnoreCase) ? "--sink" : "--set",
    };

    // file:PATH, and the same behind an account that is impersonated.
    [GeneratedRegex("^((?:impersonate:[^,]*,)?file:)(?!/)(.+)$")]
    private static partial Regex SecretFile();

    /// <summary>Settings that say where things are.</summary>
    public static class Names
    {
        /// <summary>The environment; only the command line sets it.</summary>
        public const string Environment = "Environment";
        /// <summary>Folder of the workspace.</summary>
        public const string Workspace = "Workspace";
        /// <summary>Folder of model packages.</summary>
        public const string Models = "Models";
        /// <summary>Where the catalog is.</summary>
        public const string Storage = "Storage";
        /// <summary>The workspace unless something says otherwise.</summary>
        public const string DefaultWorkspace = ".batchml";
    }
}
