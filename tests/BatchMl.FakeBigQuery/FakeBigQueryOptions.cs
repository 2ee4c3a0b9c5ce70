namespace BatchMl.Fakes;

/// <summary>How the stand-in behaves.</summary>
public sealed record FakeBigQueryOptions
{
    /// <summary>Where it listens; a free port of this machine by default.</summary>
    public string Url { get; init; } = "http://127.0.0.1:0";

    /// <summary>Projects that there are; null: any.</summary>
    public IReadOnlyList<string>? Projects { get; init; }

    /// <summary>Whether calls need a token that <c>/token</c> gave, or one of <see cref="FakeBigQuery.AllowToken"/>.</summary>
    public bool RequireToken { get; init; }

    /// <summary>Local files behind a <c>gs://</c> address; null: there are none.</summary>
    public Func<string, IReadOnlyList<string>>? Storage { get; init; }

    /// <summary>How often a job must be asked for until it is over, at least once.</summary>
    public int Polls { get; init; } = 1;

    /// <summary>Rows a page at most.</summary>
    public int PageRows { get; init; } = 100_000;

    /// <summary>Clock of expirations, quotas and tokens.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
