using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BatchMl.Fakes;

/// <summary>
/// A stand-in for BigQuery: its REST interface over DuckDB in memory, on this machine. What it does like BigQuery says where that is written, beside the code; what is assumed is listed in the README. See there too how it is held against Google's own clients.
/// </summary>
public sealed class FakeBigQuery : IAsyncDisposable
{
    readonly SemaphoreSlim gate = new(1);
    readonly List<FakeRequest> requests = [];
    readonly string folder = Directory.CreateTempSubdirectory("fake-bigquery-").FullName;
    readonly FakeBigQueryOptions options;
    readonly Warehouse warehouse;
    readonly Jobs jobs;
    readonly Uploads uploads;
    readonly Tokens tokens;
    readonly WebApplication app;

    FakeBigQuery(FakeBigQueryOptions options)
    {
        this.options = options;
        Quotas = new(options.Time);
        warehouse = new(options, Quotas);
        jobs = new(warehouse, options, Quotas, Faults);
        uploads = new(jobs, folder);
        tokens = new(options.Time);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(options.Url).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        app = builder.Build();
        app.Use(ServeAsync);
        app.UseRouting();
        new Endpoints(warehouse, jobs, uploads, tokens, options).Map(app);
    }

    /// <summary>Where it answers, without a slash at the end.</summary>
    public string Url => app.Urls.First();

    /// <summary>What goes wrong next.</summary>
    public Faults Faults { get; } = new();

    /// <summary>Limits, and what was counted.</summary>
    public Quotas Quotas { get; }

    /// <summary>The calls so far.</summary>
    public IReadOnlyList<FakeRequest> Requests
    {
        get { lock (requests) return [.. requests]; }
    }

    /// <summary>The ids of all jobs so far, with how they stand: <c>DONE</c>, <c>RUNNING</c>, or the reason of a failure.</summary>
    public IReadOnlyDictionary<string, string> Jobs => Locked(() => jobs.All.ToDictionary(job => job.Id, job => job.Error?.Reason ?? job.State));

    /// <summary>Starts one.</summary>
    public static async Task<FakeBigQuery> StartAsync(FakeBigQueryOptions? options = null)
    {
        var fake = new FakeBigQuery(options ?? new());
        await fake.app.StartAsync();
        return fake;
    }

    /// <summary>Ends all jobs that nobody has asked for since: they go on when their client is gone.</summary>
    public void FinishJobs() => Locked(() =>
    {
        foreach (var job in jobs.All.ToList()) jobs.Finish(job);
        return 0;
    });

    /// <summary>Rows of a query of DuckDB over what is stored: a table is <c>"project.dataset"."table"</c>. For tests that look behind the interface.</summary>
    public IReadOnlyList<object?[]> Look(string sql) => Locked(() => warehouse.Duck.Rows(sql));

    /// <summary>The key file of a service account for which tokens are given here.</summary>
    public string ServiceAccountKey() => tokens.KeyFile(Url);

    /// <summary>A token that is taken.</summary>
    public void AllowToken(string token) => Locked(() => { tokens.Allow(token); return 0; });

    /// <summary>No token is taken that was given before.</summary>
    public void ExpireTokens() => Locked(() => { tokens.Expire(); return 0; });

    /// <summary>Until it is told to stop.</summary>
    public Task WaitAsync() => ((IHost)app).WaitForShutdownAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        warehouse.Dispose();
        tokens.Dispose();
        gate.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Around every call: its body is read, it is noted, goes wrong if it is to, and is answered as a whole.</summary>
    async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        var call = await FakeCall.ReadAsync(context);
        context.Items[nameof(FakeCall)] = call;
        var request = call.ToRequest();
        lock (requests) requests.Add(request);
        var fault = Faults.Take(call.Line);
        if (fault is { LoseAnswer: false })
        {
            request.Status = fault.Status;
            await FailAsync(context, call, fault);
            return;
        }
        var body = context.Response.Body;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        await gate.WaitAsync();
        try
        {
            await next(context);
        }
        catch (FakeError error)
        {
            context.Response.StatusCode = error.Status;
            await Endpoints.WriteAsync(context, error.Body);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // A defect of the stand-in, or of a request: said in full, since only tests see it.
            context.Response.StatusCode = 500;
            await Endpoints.WriteAsync(context, FakeError.Json(500, "fakeFailed", error.ToString()));
        }
        finally
        {
            gate.Release();
            context.Response.Body = body;
        }
        if (fault is not null)
        {
            context.Abort();
            return;
        }
        request.Status = context.Response.StatusCode;
        context.Response.ContentLength = answer.Length;
        if (answer.Length > 0) await body.WriteAsync(answer.ToArray());
    }

    async Task FailAsync(HttpContext context, FakeCall call, Fault fault)
    {
        if (call.Query("upload_id") is { } id)
        {
            if (fault.KeepBytes is { } keep) Locked(() => { Uploads.Keep(uploads.Session(id), call.Body.AsSpan(0, Math.Min(keep, call.Body.Length))); return 0; });
            if (fault.BreakSession) Locked(() => { uploads.Break(id); return 0; });
        }
        if (fault.Status == 0)
        {
            context.Abort();
            return;
        }
        context.Response.StatusCode = fault.Status;
        if (fault.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = ((long)seconds).Wire();
        if (fault.Body is { } body) await context.Response.WriteAsync(body);
        else await Endpoints.WriteAsync(context, FakeError.Json(fault.Status, fault.Reason, fault.Message));
    }

    T Locked<T>(Func<T> action)
    {
        gate.Wait();
        try
        {
            return action();
        }
        finally
        {
            gate.Release();
        }
    }
}
