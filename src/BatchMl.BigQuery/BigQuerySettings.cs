using System.Globalization;
using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>The settings <c>BigQuery:…</c>, read and checked all at once.</summary>
public sealed class BigQuerySettings
{
    static readonly string[] known =
    [
        "Mode", "Keys", "BillingProject", "Location", "Credentials", "Endpoint", "SchemaEvolution", "Clustering", "PartitionExpirationDays", "RequirePartitionFilter", "Labels", "MaxBytesBilled", "KeepStagingHours", "KmsKey", "Staging", "StagingEndpoint",
    ];

    static readonly Dictionary<string, BigQueryMode> modes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["overwrite_partitions"] = BigQueryMode.OverwritePartitions, ["append"] = BigQueryMode.Append, ["merge"] = BigQueryMode.Merge,
    };

    readonly Dictionary<string, string> settings;
    readonly List<string> problems = [];

    BigQuerySettings(IEnumerable<KeyValuePair<string, string?>> settings) =>
        this.settings = settings.Where(s => !string.IsNullOrWhiteSpace(s.Value)).ToDictionary(s => s.Key, s => s.Value!.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>What an address and settings say.</summary>
    /// <param name="address">As <c>--sink</c> has it.</param>
    /// <param name="settings">By their names below <c>BigQuery:</c>, e.g. <c>Mode</c>, <c>Keys:0</c>.</param>
    /// <exception cref="DefinitionException">Everything that is wrong with them.</exception>
    public static BigQuerySinkOptions Read(string address, IEnumerable<KeyValuePair<string, string?>> settings) => new BigQuerySettings(settings).Read(BigQueryAddress.Parse(address));

    /// <summary>A source that the settings <c>Sources:NAME:…</c> bind.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="table"><c>PROJECT.DATASET.TABLE</c>; null: <paramref name="sql"/> is given.</param>
    /// <param name="sql">A query; null: <paramref name="table"/> is given.</param>
    /// <param name="workspace">The workspace that rows are copied into, absolute.</param>
    /// <param name="settings">By their names below <c>BigQuery:</c>.</param>
    /// <exception cref="DefinitionException">Everything that is wrong with them.</exception>
    public static BigQuerySourceOptions ReadSource(string name, string? table, string? sql, string workspace, IEnumerable<KeyValuePair<string, string?>> settings) => new BigQuerySettings(settings).ReadSource(name, table, sql, workspace);

    BigQuerySourceOptions ReadSource(string name, string? table, string? sql, string workspace)
    {
        CheckKnown();
        var billed = settings.GetValueOrDefault("BillingProject");
        if (table is null == sql is null) throw new DefinitionException($"Sources:{name} has format bigquery; it needs either Table or Sql.");
        if (sql is not null && billed is null) throw new DefinitionException($"Sources:{name} is a query. Expected the project that it is billed to in BigQuery:BillingProject.");
        var reference = table is null ? null : BigQuerySourceOptions.TableOf(table, billed);
        var options = new BigQuerySourceOptions
        {
            Name = name, Workspace = workspace, Table = reference, Sql = sql, Client = Client(reference?.ProjectId ?? billed!), MaxBytesBilled = Number("MaxBytesBilled", 1, long.MaxValue), Labels = Labels(),
        };
        Check(options.Client);
        return problems.Count > 0 ? throw new DefinitionException([.. problems.Distinct()]) : options;
    }

    void CheckKnown()
    {
        var unknown = settings.Keys.Select(k => k.Split(':')[0]).Where(k => !known.Contains(k, StringComparer.OrdinalIgnoreCase)).Distinct().ToArray();
        if (unknown.Length > 0) problems.Add($"There is no setting {string.Join(", ", unknown.Select(u => $"BigQuery:{u}"))}. There are: {string.Join(", ", known)}.");
    }

    void Check(BigQueryClientOptions client)
    {
        try
        {
            client.Check();
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
        }
    }

    BigQuerySinkOptions Read(TableReference table)
    {
        CheckKnown();
        var options = new BigQuerySinkOptions
        {
            Table = table,
            Client = Client(table.ProjectId),
            Mode = Choice("Mode", modes),
            Keys = List("Keys"),
            SchemaEvolution = Choice("SchemaEvolution", Enum.GetValues<SchemaEvolution>().ToDictionary(e => e.ToString().ToLowerInvariant(), StringComparer.OrdinalIgnoreCase)),
            Clustering = List("Clustering"),
            PartitionExpiration = Number("PartitionExpirationDays", 1, 100_000) is { } days ? TimeSpan.FromDays(days) : null,
            RequirePartitionFilter = Flag("RequirePartitionFilter"),
            Labels = Labels(),
            MaxBytesBilled = Number("MaxBytesBilled", 1, long.MaxValue),
            KeepStaging = TimeSpan.FromHours(Number("KeepStagingHours", 1, 24 * 365) ?? 24),
            KmsKey = settings.GetValueOrDefault("KmsKey"),
            Staging = Staging(),
            StagingEndpoint = StagingEndpoint(),
        };
        if (options.Mode == BigQueryMode.Merge && options.Keys.Count == 0) problems.Add("BigQuery:Mode is 'merge' without BigQuery:Keys. Expected the columns that tell rows apart, e.g. BigQuery:Keys=flight_id.");
        if (options.Mode != BigQueryMode.Merge && options.Keys.Count > 0) problems.Add("BigQuery:Keys is given, but BigQuery:Mode is not 'merge', which alone compares keys. Leave one of them out.");
        if (options.Clustering.Count > 4) problems.Add($"BigQuery:Clustering has {options.Clustering.Count} columns. Expected four at most.");
        Check(options.Client);
        return problems.Count > 0 ? throw new DefinitionException([.. problems.Distinct()]) : options;
    }

    StorageObject? Staging()
    {
        if (!settings.TryGetValue("Staging", out var text)) return null;
        try
        {
            return CloudStaging.Parse(text);
        }
        catch (DefinitionException e)
        {
            problems.AddRange(e.Problems);
            return null;
        }
    }

    Uri? StagingEndpoint()
    {
        if (!settings.TryGetValue("StagingEndpoint", out var text)) return null;
        // The token goes there.
        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.AbsolutePath == "/" && (endpoint.Scheme == "https" || endpoint is { Scheme: "http", IsLoopback: true })) return endpoint;
        problems.Add($"BigQuery:StagingEndpoint is '{text}'. Expected https and a host alone, e.g. https://storage.googleapis.com/, or http on this machine.");
        return null;
    }

    BigQueryClientOptions Client(string project)
    {
        Uri? endpoint = null;
        if (settings.TryGetValue("Endpoint", out var text) && !Uri.TryCreate(text, UriKind.Absolute, out endpoint)) problems.Add($"BigQuery:Endpoint is '{text}'. Expected a scheme and a host alone, e.g. https://bigquery.googleapis.com/.");
        return new BigQueryClientOptions
        {
            // Pieces of a large file are in memory, of as many files as are loaded side by side.
            ChunkSize = 8 << 20,
            Project = project, BillingProject = settings.GetValueOrDefault("BillingProject"), Location = settings.GetValueOrDefault("Location"), Endpoint = endpoint, Credentials = Credentials(settings.GetValueOrDefault("Credentials") ?? "adc"),
        };
    }

    // Only references: a token in a setting would be shown by whatever shows settings. So what was got is not shown either.
    BigQueryCredentials Credentials(string text)
    {
        switch (text.Split(':', 2))
        {
            case ["adc"]: return BigQueryCredentials.ApplicationDefault;
            case ["none"]: return BigQueryCredentials.None;
            case ["file", { Length: > 0 } path]: return BigQueryCredentials.ServiceAccount(path);
            case ["env", { Length: > 0 } name]: return BigQueryCredentials.AccessToken(() => Token(name), text);
            case ["impersonate", var who]:
                var parts = who.Split(',', 2);
                if (parts[0].Contains('@', StringComparison.Ordinal)) return BigQueryCredentials.Impersonated(Credentials(parts.Length > 1 ? parts[1] : "adc"), parts[0]);
                break;
        }
        problems.Add("BigQuery:Credentials is none of: 'adc' (what the machine has, the default), 'file:PATH' (key file of a service account), 'env:NAME' (an access token in an environment variable), 'impersonate:ACCOUNT' or "
            + "'impersonate:ACCOUNT,file:PATH', 'none' (a stand-in on this machine). A secret itself does not belong there.");
        return BigQueryCredentials.ApplicationDefault;
    }

    static string Token(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } token ? token
        : throw new BatchMlException($"BigQuery:Credentials refers to the environment variable {name}, which is not set. Expected an access token, e.g. of 'gcloud auth print-access-token'.");

    IReadOnlyList<string> List(string name) => settings.TryGetValue(name, out var text)
        ? text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        : [.. settings.Where(s => s.Key.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)).OrderBy(s => s.Key.Length).ThenBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value)];

    IReadOnlyDictionary<string, string> Labels()
    {
        var labels = settings.Where(s => s.Key.StartsWith("Labels:", StringComparison.OrdinalIgnoreCase)).ToDictionary(s => s.Key["Labels:".Length..], s => s.Value);
        var wrong = new List<string>();
        BigQueryLabels.Check(labels, wrong);
        problems.AddRange(wrong.Select(w => $"BigQuery:Labels: {w}"));
        return labels;
    }

    T Choice<T>(string name, Dictionary<string, T> choices) where T : struct, Enum
    {
        if (!settings.TryGetValue(name, out var text)) return default;
        if (choices.TryGetValue(text, out var choice)) return choice;
        problems.Add($"BigQuery:{name} is '{text}'; expected one of {string.Join(", ", choices.Keys)}.");
        return default;
    }

    bool Flag(string name)
    {
        if (!settings.TryGetValue(name, out var text)) return false;
        if (bool.TryParse(text, out var flag)) return flag;
        problems.Add($"BigQuery:{name} is '{text}'; expected true or false.");
        return false;
    }

    long? Number(string name, long least, long most)
    {
        if (!settings.TryGetValue(name, out var text)) return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        problems.Add(string.Create(CultureInfo.InvariantCulture, $"BigQuery:{name} is '{text}'; expected a whole number from {least} to {most}."));
        return null;
    }
}
