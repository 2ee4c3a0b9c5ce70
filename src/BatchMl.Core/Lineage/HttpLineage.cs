using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Data;
using BatchMl.Runs;

namespace BatchMl.Lineage;

/// <summary>
/// Delivers the events that are in a workspace's lineage files to a receiver, one after the other, from where it was left off: which that is, is in a file beside them. After a crash the last few are sent again, byte for byte; none is lost, and
/// those of a run arrive in order. What the receiver refuses for good is kept in a file of its own and does not hold up the rest. Only one process of a workspace delivers at a time.
/// </summary>
/// <param name="environment">Of whose workspace, and to whom: <see cref="JobEnvironment.LineageReceiver"/>.</param>
public sealed class HttpLineage(JobEnvironment environment)
{
    const int NoteEvery = 50;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), FirstPause = TimeSpan.FromSeconds(2), LongestPause = TimeSpan.FromMinutes(5);

    // Redirects are not followed: the key is for this receiver alone.
    static readonly HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = Patience }) { Timeout = Patience };

    readonly LineageReceiver receiver = environment.LineageReceiver ?? throw new ArgumentException("There is no receiver.", nameof(environment));
    readonly string mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(environment.LineageReceiver.Url.ToString())))[..8];
    TimeSpan pause;
    string? problem;
    long failedAt;

    string Folder => environment.Workspace.Lineage;

    string CursorPath => Path.Combine(Folder, $"http-{mark}.cursor");

    /// <summary>Delivers all that there is. After a failure it rests for a while, twice as long each time, and does nothing until then.</summary>
    /// <returns>Why not all of it could be delivered, now or before it rests, for a person; null: it was, or another process is at it.</returns>
    public async Task<string?> DeliverAsync(CancellationToken cancel)
    {
        if (problem is not null && environment.Clock.GetElapsedTime(failedAt) < pause) return problem;
        if (!Directory.Exists(Folder)) return null;
        using var held = FileLock.TryTake(environment.Workspace.Locks, $"lineage-http-{mark}");
        if (held is null) return null;
        try
        {
            await AllAsync(cancel);
            pause = TimeSpan.Zero;
            return problem = null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException || e is OperationCanceledException && !cancel.IsCancellationRequested)
        {
            pause = pause == TimeSpan.Zero ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            failedAt = environment.Clock.GetTimestamp();
            return problem = $"Lineage events wait in {Folder}; {receiver} does not take them now: {(e is OperationCanceledException ? $"no answer within {Patience.TotalSeconds:0} s" : e.Message)}";
        }
    }

    async Task AllAsync(CancellationToken cancel)
    {
        var (file, offset) = ReadCursor();
        foreach (var next in Directory.GetFiles(Folder, "openlineage-*.ndjson").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal).Where(f => string.CompareOrdinal(f, file) >= 0))
        {
            await FileAsync(next, next == file ? offset : 0, cancel);
        }
    }

    async Task FileAsync(string file, long offset, CancellationToken cancel)
    {
        await using var stream = new FileStream(Path.Combine(Folder, file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16, FileOptions.Asynchronous);
        // A file that somebody shortened goes on where it ends.
        stream.Position = Math.Min(offset, stream.Length);
        var (line, noted, at) = (new MemoryStream(), offset, stream.Position);
        try
        {
            var buffer = new byte[1 << 16];
            var sent = 0;
            for (int read; (read = await stream.ReadAsync(buffer, cancel)) > 0;)
            {
                for (var start = 0; start < read;)
                {
                    var end = buffer.AsSpan(start, read - start).IndexOf((byte)'\n');
                    line.Write(buffer, start, end < 0 ? read - start : end);
                    // The end of a line that is still being written comes with the next delivery.
                    if (end < 0) break;
                    if (line.Length > 0) await SendAsync(line.ToArray(), cancel);
                    at += line.Length + 1;
                    line.SetLength(0);
                    start += end + 1;
                    if (++sent % NoteEvery == 0) WriteCursor(file, noted = at);
                }
            }
        }
        finally
        {
            if (at != noted) WriteCursor(file, at);
        }
    }

    async Task SendAsync(byte[] json, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, receiver.Url) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (receiver.ApiKey is { } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await client.SendAsync(request, cancel);
        if (response.IsSuccessStatusCode) return;
        if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Conflict or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity) await KeepRefusedAsync(json, cancel);
        else throw new HttpRequestException($"it answered {(int)response.StatusCode}{(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? "; check OpenLineage:ApiKey" : "")}");
    }

    // It would be refused again and again, and hold up all that come behind.
    async Task KeepRefusedAsync(byte[] json, CancellationToken cancel)
    {
        await using var refused = new FileStream(Path.Combine(Folder, $"http-{mark}.refused"), FileMode.Append, FileAccess.Write, FileShare.Read);
        await refused.WriteAsync((byte[])[.. json, (byte)'\n'], cancel);
    }

    (string File, long Offset) ReadCursor()
    {
        if (!File.Exists(CursorPath)) return ("", 0);
        var parts = File.ReadAllText(CursorPath).Split(' ');
        return parts.Length == 2 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var offset) ? (parts[0], offset) : ("", 0);
    }

    void WriteCursor(string file, long offset) => DurableFiles.AtomicReplace(CursorPath, Encoding.UTF8.GetBytes(FormattableString.Invariant($"{file} {offset}")), "new");
}
