namespace BatchMl.Fakes;

/// <summary>Something that goes wrong with a call.</summary>
public sealed record Fault
{
    /// <summary>Found in "METHOD /path?query" or it is not this call's.</summary>
    public required string Match { get; init; }

    /// <summary>Of HTTP; 0: the connection is cut.</summary>
    public int Status { get; init; }

    /// <summary>Google's word for it.</summary>
    public string Reason { get; init; } = "backendError";

    /// <summary>For people.</summary>
    public string Message { get; init; } = "Try again";

    /// <summary>What is sent instead of Google's JSON; null: that.</summary>
    public string? Body { get; init; }

    /// <summary>The <c>Retry-After</c> in seconds; null: none.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>Of an upload's piece so many bytes are kept; null: none.</summary>
    public int? KeepBytes { get; init; }

    /// <summary>So many calls of the kind are left alone first.</summary>
    public int After { get; init; }

    /// <summary>So many calls of the kind go wrong.</summary>
    public int Times { get; init; } = 1;

    /// <summary>The call is done, and only its answer is lost.</summary>
    public bool LoseAnswer { get; init; }

    /// <summary>The upload's session is forgotten.</summary>
    public bool BreakSession { get; init; }
}

/// <summary>A job that fails.</summary>
/// <param name="Match">Found in the job's id or it is not this job.</param>
/// <param name="Reason">Google's word for it.</param>
/// <param name="Message">For people.</param>
/// <param name="OnInsert">Refused at once with HTTP 400 rather than failing later; its id is used up nevertheless.</param>
public sealed record JobFault(string Match, string Reason, string Message = "Something failed", bool OnInsert = false);

/// <summary>What goes wrong next. The first that matches is used up.</summary>
public sealed class Faults
{
    readonly Lock gate = new();
    readonly List<(Fault Fault, int Seen)> calls = [];
    readonly List<JobFault> jobs = [];

    /// <summary>One more.</summary>
    public void Add(Fault fault)
    {
        lock (gate) calls.Add((fault, 0));
    }

    /// <summary>One more.</summary>
    public void Add(JobFault fault)
    {
        lock (gate) jobs.Add(fault);
    }

    /// <summary>How many are left.</summary>
    public int Left
    {
        get { lock (gate) return calls.Count + jobs.Count; }
    }

    /// <summary>None any more.</summary>
    public void Clear()
    {
        lock (gate)
        {
            calls.Clear();
            jobs.Clear();
        }
    }

    internal Fault? Take(string call)
    {
        lock (gate)
        {
            for (var i = 0; i < calls.Count; i++)
            {
                var (fault, seen) = calls[i];
                if (!call.Contains(fault.Match, StringComparison.Ordinal)) continue;
                calls[i] = (fault, ++seen);
                if (seen <= fault.After) continue;
                if (seen >= fault.After + fault.Times) calls.RemoveAt(i);
                return fault;
            }
            return null;
        }
    }

    internal JobFault? TakeJob(string id, bool onInsert)
    {
        lock (gate)
        {
            var at = jobs.FindIndex(f => f.OnInsert == onInsert && id.Contains(f.Match, StringComparison.Ordinal));
            if (at < 0) return null;
            var fault = jobs[at];
            jobs.RemoveAt(at);
            return fault;
        }
    }
}
