using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace BatchMl.Fakes;

/// <summary>A call with its body, which is inflated and taken apart.</summary>
sealed class FakeCall
{
    readonly HttpContext context;

    FakeCall(HttpContext context, byte[] body, JsonObject? json, byte[]? media) => (this.context, Body, Sent, Media) = (context, body, json, media);

    /// <summary>All of it.</summary>
    public byte[] Body { get; }

    /// <summary>The JSON of it; null: none.</summary>
    public JsonObject? Sent { get; }

    /// <summary>The second part of a multipart body; null: none.</summary>
    public byte[]? Media { get; }

    public JsonObject Json => Sent ?? throw new FakeError(400, "parseError", "Parse Error");

    public string Project => Route("p");

    public DatasetName Dataset => new(Project, Route("d"));

    public TableName Table => new(Project, Route("d"), Route("t"));

    public string? IfMatch => Header("If-Match");

    public string Line => $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}";

    public string Route(string name) => context.Request.RouteValues[name]!.ToString()!;

    public string? Query(string name) => context.Request.Query.TryGetValue(name, out var value) ? value.ToString() : null;

    public int? Number(string name) => Query(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    public string? Header(string name) => context.Request.Headers.TryGetValue(name, out var value) ? value.ToString() : null;

    public HttpContext Context => context;

    /// <summary>Timestamps as integers: .../rest/v2/DataFormatOptions.</summary>
    public bool Microseconds => Query("formatOptions.useInt64Timestamp") == "true" || Query("formatOptions.timestampOutputFormat") == "INT64" || Sent.At("formatOptions").Flag("useInt64Timestamp") || Sent.Text("formatOptions", "timestampOutputFormat") == "INT64";

    public FakeRequest ToRequest() => new(context.Request.Method, context.Request.Path.Value!, context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString()),
        context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), (JsonObject?)Sent?.DeepClone(), Body.Length);

    public static async Task<FakeCall> ReadAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var body = buffer.ToArray();
        // Google's .NET library compresses JSON bodies.
        if (context.Request.Headers.ContentEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            using var inflated = new MemoryStream();
            await using (var gzip = new GZipStream(new MemoryStream(body), CompressionMode.Decompress)) await gzip.CopyToAsync(inflated);
            body = inflated.ToArray();
        }
        var type = context.Request.ContentType;
        if (type is not null && type.StartsWith("multipart/related", StringComparison.OrdinalIgnoreCase)) return await MultipartAsync(context, body, type);
        return new(context, body, type is not null && type.Contains("json", StringComparison.OrdinalIgnoreCase) ? Parse(body) : null, null);
    }

    /// <summary>"Two parts: metadata, then media": cloud.google.com/bigquery/docs/reference/api-uploads#multipart.</summary>
    static async Task<FakeCall> MultipartAsync(HttpContext context, byte[] body, string type)
    {
        var boundary = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(type).Boundary).Value!;
        var reader = new MultipartReader(boundary, new MemoryStream(body));
        var parts = new List<byte[]>();
        while (await reader.ReadNextSectionAsync() is { } section)
        {
            using var part = new MemoryStream();
            await section.Body.CopyToAsync(part);
            parts.Add(part.ToArray());
        }
        return new(context, body, parts.Count > 0 ? Parse(parts[0]) : null, parts.Count == 2 ? parts[1] : null);
    }

    static JsonObject? Parse(byte[] body)
    {
        try
        {
            return body.Length == 0 ? null : JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
