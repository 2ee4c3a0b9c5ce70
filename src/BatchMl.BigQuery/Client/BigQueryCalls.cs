using System.Text;
using Google.Apis.Requests;

namespace BatchMl.BigQuery.Client;

/// <summary>Sends calls, and says of those that fail what they were for.</summary>
sealed class BigQueryCalls(BigQueryClientOptions options, BigQueryService service, Backoff backoff)
{
    public BigQueryClientOptions Options { get; } = options;

    public BigQueryService Service { get; } = service;

    public Backoff Backoff { get; } = backoff;

    public BigQueryErrors Errors { get; } = new(options);

    public string BillingProject => Options.BillingProject ?? Options.Project;

    /// <summary>Sends one.</summary>
    /// <param name="method">Of HTTP.</param>
    /// <param name="path">Below <c>bigquery/v2/</c>, from <see cref="Path"/>.</param>
    /// <param name="body">What is sent; null: nothing.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="etag">Of the version that it may change; null: any.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task<T> SendAsync<T>(HttpMethod method, string path, object? body, Purpose purpose, string? etag, CancellationToken cancellation) => TryAsync(() =>
    {
        var call = new Call<T>(Service, method, path, body);
        if (etag is not null) call.ModifyRequest = request => request.Headers.TryAddWithoutValidation("If-Match", etag);
        return call.ExecuteAsync(cancellation);
    }, purpose, cancellation);

    /// <summary>Reads something.</summary>
    public Task<T> GetAsync<T>(string path, Purpose purpose, CancellationToken cancellation) => SendAsync<T>(HttpMethod.Get, path, null, purpose, null, cancellation);

    /// <summary>Whatever it throws becomes an error of ours.</summary>
    public async Task<T> TryAsync<T>(Func<Task<T>> action, Purpose purpose, CancellationToken cancellation)
    {
        try
        {
            return await action();
        }
        catch (Exception error) when (Errors.Of(error, purpose, cancellation) is { } known)
        {
            throw known;
        }
    }

    /// <summary>A path of escaped parts.</summary>
    public static string Path(params ReadOnlySpan<string> parts)
    {
        var path = new StringBuilder();
        foreach (var part in parts) path.Append(path.Length == 0 ? "" : "/").Append(Uri.EscapeDataString(part));
        return path.ToString();
    }

    /// <summary>The parameters behind a path, without those that are null.</summary>
    public static string Query(params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var query = new StringBuilder();
        foreach (var (name, value) in parameters)
            if (value is not null) query.Append(query.Length == 0 ? "?" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return query.ToString();
    }
}
