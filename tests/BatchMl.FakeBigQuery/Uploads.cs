using System.Globalization;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>An upload in pieces.</summary>
sealed class UploadSession(string project, JsonObject body, string file)
{
    public string Project { get; } = project;

    public JsonObject Body { get; } = body;

    public string File { get; } = file;

    public long Received { get; set; }

    public FakeJob? Job { get; set; }
}

/// <summary>Uploads in pieces. cloud.google.com/bigquery/docs/reference/api-uploads.</summary>
sealed class Uploads(Jobs jobs, string folder)
{
    /// <summary>"Create chunks in multiples of 256 KB": of each piece's length, not of its end.</summary>
    const long Unit = 256 << 10;

    readonly Dictionary<string, UploadSession> sessions = [];

    public string Begin(string project, JsonObject body)
    {
        jobs.CheckNew(project, body);
        var id = Guid.NewGuid().ToString("N");
        sessions[id] = new(project, body, NewFile());
        return id;
    }

    public UploadSession Session(string id) => sessions.TryGetValue(id, out var session) ? session : throw FakeError.NotFound("The upload session does not exist, or has expired.");

    public void Break(string id) => sessions.Remove(id);

    public string NewFile() => Path.Combine(folder, $"{Guid.NewGuid():N}.parquet");

    /// <summary>A piece. The job once all is there; null: more is to come ("308 Resume Incomplete").</summary>
    /// <param name="session">Of which upload.</param>
    /// <param name="range">The <c>Content-Range</c>; null: all at once.</param>
    /// <param name="piece">The bytes.</param>
    public FakeJob? Put(UploadSession session, string? range, ReadOnlySpan<byte> piece)
    {
        // "Request the upload status": also of one that is complete, whose answer was lost.
        if (session.Job is { } done) return done;
        var (start, total) = Parse(range, piece.Length);
        if (start is { } at)
        {
            // Assumption: pieces must follow each other without gap or overlap.
            if (at != session.Received) throw FakeError.Invalid($"Invalid request. The piece begins at {at}, and {session.Received} bytes were kept.");
            Keep(session, piece);
        }
        if (session.Received == total)
        {
            if (!System.IO.File.Exists(session.File)) System.IO.File.WriteAllBytes(session.File, []);
            return session.Job = jobs.Insert(session.Project, session.Body, session.File);
        }
        if (start is not null && piece.Length % Unit != 0) throw FakeError.Invalid($"Invalid request. The number of bytes uploaded is required to be a multiple of {Unit}, except for the final request; got {piece.Length}.");
        return null;
    }

    /// <summary>Bytes that came before something went wrong.</summary>
    public static void Keep(UploadSession session, ReadOnlySpan<byte> piece)
    {
        using var stream = new FileStream(session.File, FileMode.Append);
        stream.Write(piece);
        session.Received += piece.Length;
    }

    /// <summary><c>bytes a-b/total</c>, <c>bytes a-b/*</c>, <c>bytes */total</c>, or nothing for all at once.</summary>
    static (long? Start, long? Total) Parse(string? range, int length)
    {
        if (range is null) return (0, length);
        var parts = range.Replace("bytes", "", StringComparison.Ordinal).Trim().Split('/');
        long? total = parts.Length == 2 && parts[1] != "*" ? long.Parse(parts[1], CultureInfo.InvariantCulture) : null;
        if (parts[0] == "*") return (null, total);
        var ends = parts[0].Split('-');
        if (ends.Length != 2 || long.Parse(ends[1], CultureInfo.InvariantCulture) - long.Parse(ends[0], CultureInfo.InvariantCulture) + 1 != length) throw FakeError.Invalid($"Invalid request. Content-Range is '{range}', and {length} bytes came.");
        return (long.Parse(ends[0], CultureInfo.InvariantCulture), total);
    }
}
