using System.Net.Sockets;
using System.Text.Json;
using Google.Apis.Http;

namespace BatchMl.BigQuery.Client;

/// <summary>Repeats calls that may pass. Google's own handler repeats a 503 only; whether a 403 may pass is in its body.</summary>
sealed class RetryHandler(Backoff backoff) : IConfigurableHttpClientInitializer, IHttpUnsuccessfulResponseHandler, IHttpExceptionHandler
{
    public void Initialize(ConfigurableHttpClient httpClient)
    {
        httpClient.MessageHandler.NumTries = backoff.Attempts;
        httpClient.MessageHandler.AddUnsuccessfulResponseHandler(this);
        httpClient.MessageHandler.AddExceptionHandler(this);
    }

    public async Task<bool> HandleResponseAsync(HandleUnsuccessfulResponseArgs args)
    {
        if (!args.SupportsRetry || !BigQueryErrors.MayPass((int)args.Response.StatusCode, await ReasonAsync(args.Response, args.CancellationToken))) return false;
        await backoff.WaitAsync(args.CurrentFailedTry, backoff.Wish(args.Response), args.CancellationToken);
        return true;
    }

    public async Task<bool> HandleExceptionAsync(HandleExceptionArgs args)
    {
        if (!args.SupportsRetry || args.Exception is not (HttpRequestException or IOException or SocketException)) return false;
        await backoff.WaitAsync(args.CurrentFailedTry, null, args.CancellationToken);
        return true;
    }

    static async Task<string?> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        if ((int)response.StatusCode != 403 || response.Content is null) return null;
        // Kept, so that whoever comes after can read it again.
        await response.Content.LoadIntoBufferAsync(cancellation);
        try
        {
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation));
            return body.RootElement.GetProperty("error").GetProperty("errors")[0].GetProperty("reason").GetString();
        }
        // A proxy's page, or Google's other form of errors: without a reason.
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }
}
