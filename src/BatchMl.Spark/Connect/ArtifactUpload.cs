using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;

namespace BatchMl.Spark.Connect;

/// <summary>Sends files to the server, from where every executor gets them before the session's next task.</summary>
/// <param name="calls">To the server.</param>
/// <param name="isOurs">Whether nobody else can have sent something in this session.</param>
sealed class ArtifactUpload(SparkCalls calls, bool isOurs)
{
    // What Spark's own clients send.
    const int ChunkBytes = 32 << 10;
    const int DigestDigits = 16;

    // A session's artifacts never change, so one that was sent is there.
    readonly ConcurrentDictionary<string, string> sent = new();

    /// <summary>Sends it unless it is there.</summary>
    public async Task SendAsync(string name, Func<Stream> open, CancellationToken cancel)
    {
        string digest;
        await using (var content = open()) digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel));
        if (sent.TryGetValue(name, out var before))
        {
            if (before == digest) return;
            throw new SparkException($"The artifact '{name}' is already in this session with the SHA-256 {before}, got {digest}. An artifact can not be replaced: put its digest into its name.");
        }
        if (!await ExistsAsync(name, cancel)) await UploadAsync(name, digest, open, cancel);
        sent[name] = digest;
    }

    async Task<bool> ExistsAsync(string name, CancellationToken cancel)
    {
        var response = await calls.CallAsync(o => calls.Client.ArtifactStatusAsync(calls.Addressed(new Proto.ArtifactStatusesRequest { Names = { name } }), o), cancel);
        return response.Statuses.TryGetValue(name, out var status) && status.Exists;
    }

    async Task UploadAsync(string name, string digest, Func<Stream> open, CancellationToken cancel)
    {
        Proto.AddArtifactsResponse response;
        var attempts = 0;
        try
        {
            response = await calls.CallAsync(() =>
            {
                attempts++;
                return SendOnceAsync(name, open, cancel);
            }, cancel);
        }
        // Spark tells only of cached relations whether they exist, and 3.5 refuses the same content again, with the status UNKNOWN and not a word. Where it may have come before and its name holds its digest, it did.
        catch (SparkException e) when (calls.Version is { IsAtLeast4: false } && e.InnerException is RpcException { StatusCode: StatusCode.Unknown }
            && (!isOurs || attempts > 1) && name.Contains(digest[..DigestDigits], StringComparison.OrdinalIgnoreCase))
        {
            return;
        }
        if (response.Artifacts.FirstOrDefault(a => a.Name == name) is not { IsCrcSuccessful: true })
            throw new SparkException($"Spark did not store the artifact '{name}': its checksum was wrong on arrival. Send it again.", FailureKind.Transient);
    }

    async Task<Proto.AddArtifactsResponse> SendOnceAsync(string name, Func<Stream> open, CancellationToken cancel)
    {
        await using var content = open();
        using var call = calls.Client.AddArtifacts(calls.Options(cancel));
        try
        {
            await WriteAsync(call.RequestStream, name, content, cancel);
            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // A server that refuses ends the call early; its answer below says why.
        }
        return await call.ResponseAsync;
    }

    async Task WriteAsync(IClientStreamWriter<Proto.AddArtifactsRequest> stream, string name, Stream content, CancellationToken cancel)
    {
        var buffer = new byte[ChunkBytes];
        var chunks = Math.Max(1, (content.Length + ChunkBytes - 1) / ChunkBytes);
        for (var i = 0L; i < chunks; i++)
        {
            var chunk = await ChunkAsync(content, buffer, cancel);
            var request = (chunks, i) switch
            {
                (1, _) => new Proto.AddArtifactsRequest { Batch = new() { Artifacts = { new Proto.AddArtifactsRequest.Types.SingleChunkArtifact { Name = name, Data = chunk } } } },
                (_, 0) => new Proto.AddArtifactsRequest { BeginChunk = new() { Name = name, TotalBytes = content.Length, NumChunks = chunks, InitialChunk = chunk } },
                _ => new Proto.AddArtifactsRequest { Chunk = chunk },
            };
            await stream.WriteAsync(calls.Addressed(request), cancel);
        }
    }

    static async Task<Proto.AddArtifactsRequest.Types.ArtifactChunk> ChunkAsync(Stream content, byte[] buffer, CancellationToken cancel)
    {
        var length = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return new() { Data = ByteString.CopyFrom(buffer, 0, length), Crc = Crc32.HashToUInt32(buffer.AsSpan(0, length)) };
    }
}
