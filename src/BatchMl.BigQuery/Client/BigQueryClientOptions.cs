namespace BatchMl.BigQuery.Client;

/// <summary>Where BigQuery is, who asks, and how patiently.</summary>
public sealed record BigQueryClientOptions
{
    /// <summary>The project that data is in.</summary>
    public required string Project { get; init; }

    /// <summary>The project that jobs are billed to; null: <see cref="Project"/>.</summary>
    public string? BillingProject { get; init; }

    /// <summary>Where jobs run, e.g. <c>EU</c>; null: where their dataset is, which is looked up.</summary>
    public string? Location { get; init; }

    /// <summary>Where BigQuery answers, e.g. of a private endpoint; null: Google's own.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Who asks; what the machine has by default.</summary>
    public BigQueryCredentials Credentials { get; init; } = BigQueryCredentials.ApplicationDefault;

    /// <summary>Of every call that may pass when it is repeated.</summary>
    public BigQueryRetries Retries { get; init; } = BigQueryRetries.Default;

    /// <summary>How many jobs with the same purpose may fail for a reason that may pass; 5 by default.</summary>
    public int JobAttempts { get; init; } = 5;

    /// <summary>How long one call may take with all its tries; 15 minutes by default.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>From this size on a file is sent in pieces that can be resumed; 5 MiB by default, as Google's own clients do.</summary>
    public long ResumableFrom { get; init; } = 5 << 20;

    /// <summary>The size of these pieces, each of which is kept in memory: a multiple of 256 KiB; 16 MiB by default.</summary>
    public int ChunkSize { get; init; } = 16 << 20;

    /// <summary>Clock of waits; the system's by default.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Seed of the waits' jitter; by default the process's number, so that processes differ.</summary>
    public int Seed { get; init; } = Environment.ProcessId;

    internal Uri EffectiveEndpoint => Endpoint ?? new Uri("https://bigquery.googleapis.com/");

    /// <summary>Everything that is wrong, at once.</summary>
    internal void Check()
    {
        var problems = new List<string>();
        BigQueryNames.CheckProject(Project, problems);
        if (BillingProject is not null) BigQueryNames.CheckProject(BillingProject, problems);
        if (Retries.Attempts is < 1 or > 20) problems.Add($"A call to BigQuery may be tried {Retries.Attempts} times. Expected 1 to 20.");
        if (JobAttempts < 1) problems.Add($"A job of BigQuery may be tried {JobAttempts} times. Expected 1 or more.");
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromDays(1)) problems.Add($"A call to BigQuery may take {Timeout}. Expected a second to a day.");
        if (ChunkSize < 256 << 10 || ChunkSize % (256 << 10) != 0) problems.Add($"Files are to be sent to BigQuery in pieces of {ChunkSize:N0} bytes. Expected a multiple of 262,144.");
        if (Endpoint is { } endpoint && (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https") || endpoint.AbsolutePath != "/"))
            problems.Add($"BigQuery's endpoint is '{endpoint}'. Expected a scheme and a host alone, e.g. https://bigquery.googleapis.com/.");
        else if (Endpoint is { IsLoopback: false, Scheme: "http" }) problems.Add($"BigQuery's endpoint is '{Endpoint}', over which a token could be read on its way. Expected https, except on this machine.");
        if (Credentials.IsNone && !EffectiveEndpoint.IsLoopback) problems.Add($"BigQuery at '{EffectiveEndpoint}' is to be asked without credentials. Expected some: only an endpoint on this machine, a stand-in for BigQuery, is asked without.");
        if (problems.Count > 0) throw new DefinitionException(problems);
    }
}

/// <summary>How often, and after which waits, a call is repeated. A wait is anything between nothing and its length, so that clients do not come back together; the length doubles each time. A server that says when to come back is believed.</summary>
/// <param name="Attempts">Tries in all, the first included; 1 to 20.</param>
/// <param name="First">The length of the wait before the second try.</param>
/// <param name="Longest">No wait is longer.</param>
public sealed record BigQueryRetries(int Attempts, TimeSpan First, TimeSpan Longest)
{
    /// <summary>Eight tries, with waits of 1 to 32 seconds.</summary>
    public static BigQueryRetries Default { get; } = new(8, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(32));
}
