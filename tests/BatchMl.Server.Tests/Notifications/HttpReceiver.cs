using System.Collections.Concurrent;
using BatchMl.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace BatchMl.Server.Tests.Notifications;

/// <summary>A web server that takes what is posted to it, and answers as it is told to; at first it is down.</summary>
sealed class HttpReceiver : IAsyncDisposable
{
    WebApplication? server;

    public int Port { get; } = Ports.Free();

    public string Url => $"http://127.0.0.1:{Port}/hooks/t0ps3cret";

    public int Answer { get; set; } = 200;

    public ConcurrentQueue<(Dictionary<string, string> Headers, string Body)> Got { get; } = new();

    public async Task<HttpReceiver> UpAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{Port}");
        server = builder.Build();
        server.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            Got.Enqueue((context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), await body.ReadToEndAsync()));
            context.Response.StatusCode = Answer;
            context.Response.Headers.Location = "/elsewhere";
        });
        await server.StartAsync(TestContext.Current.CancellationToken);
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
    }
}
