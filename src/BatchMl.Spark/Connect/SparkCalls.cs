using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace BatchMl.Spark.Connect;

/// <summary>The calls of one session: what every request carries, repetition, and errors in words.</summary>
sealed class SparkCalls : IDisposable
{
    const int LargestMessage = 128 << 20;
    static readonly TimeSpan cleanUpLimit = TimeSpan.FromSeconds(10);

    readonly SparkRemote remote;
    readonly SparkSessionOptions options;
    readonly GrpcChannel channel;
    readonly Random jitter;
    readonly Metadata headers = [];
    readonly Proto.UserContext user;
    volatile string? serverSession;
    volatile bool disposed;

    public SparkCalls(SparkRemote remote, SparkSessionOptions options)
    {
        (this.remote, this.options, jitter) = (remote, options, new Random(options.Seed));
        SessionId = (remote.SessionId ?? Guid.NewGuid()).ToString();
        user = new() { UserId = remote.UserId, UserName = remote.UserId };
        foreach (var (key, value) in remote.Headers) headers.Add(key, value);
        if (remote.Token is { } token) headers.Add("authorization", $"Bearer {token}");
        channel = GrpcChannel.ForAddress(remote.Address, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = LargestMessage,
            MaxSendMessageSize = LargestMessage,
            // What is repeated, and when, depends on more than gRPC's status: it is decided here. No keep-alive pings either: Java's gRPC punishes those more frequent than every five minutes.
            MaxRetryAttempts = 1,
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseProxy = remote.UseTls },
        });
        Client = new(channel);
    }

    public Proto.SparkConnectService.SparkConnectServiceClient Client { get; }

    public string SessionId { get; }

    public TimeProvider Time => options.Time;

    /// <summary>The server's version, once known: no request that it does not know is made.</summary>
    public SparkVersion? Version { get; set; }

    /// <summary>Options of a call.</summary>
    public CallOptions Options(CancellationToken cancel) => new(headers, cancellationToken: cancel);

    /// <summary>Fills in what every request carries: session, user, client, and from 4.0 on the session that the server had before, so that a restarted server is noticed.</summary>
    public T Addressed<T>(T request) where T : IMessage
    {
        var fields = request.Descriptor;
        fields.FindFieldByName("session_id").Accessor.SetValue(request, SessionId);
        fields.FindFieldByName("user_context").Accessor.SetValue(request, user);
        fields.FindFieldByName("client_type").Accessor.SetValue(request, remote.UserAgent);
        if (serverSession is { } known) fields.FindFieldByName("client_observed_server_side_session_id")?.Accessor.SetValue(request, known);
        return request;
    }

    /// <summary>Whether only another session can go on.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Notes the server's own name of the session; 3.5 has none.</summary>
    public void Observe(string serverSideSessionId)
    {
        if (serverSideSessionId.Length > 0) serverSession = serverSideSessionId;
    }

    /// <summary>Makes a call, again where it may help.</summary>
    /// <param name="call">Makes it once.</param>
    /// <param name="cancel">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="SparkException">It failed.</exception>
    public async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) where T : IMessage =>
        await CallAsync(async () =>
        {
            using var running = call(Options(cancel));
            return await running.ResponseAsync;
        }, cancel);

    /// <inheritdoc cref="CallAsync{T}(Func{CallOptions, AsyncUnaryCall{T}}, CancellationToken)"/>
    public async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancel) where T : IMessage
    {
        for (var failures = 0; ;)
        {
            try
            {
                var response = await call();
                if (response.Descriptor.FindFieldByName("server_side_session_id") is { } field) Observe((string)field.Accessor.GetValue(response));
                return response;
            }
            catch (RpcException e)
            {
                if (!await MayRepeatAsync(e, ++failures, cancel)) throw await WordedAsync(e, cancel);
            }
        }
    }

    /// <summary>Waits before the next try; false: there should be none.</summary>
    public async Task<bool> MayRepeatAsync(RpcException error, int failures, CancellationToken cancel)
    {
        var known = SparkErrors.Of(error);
        if (!known.IsRetriable) return false;
        return await BackOffAsync(failures, known.AtLeast, cancel);
    }

    /// <summary>Waits after so many failures in a row; false: they are too many.</summary>
    public async Task<bool> BackOffAsync(int failures, TimeSpan atLeast, CancellationToken cancel)
    {
        double random;
        lock (jitter) random = jitter.NextDouble();
        if ((Version is null ? options.ConnectRetries : options.Retries).After(failures, random) is not { } wait) return false;
        await Task.Delay(wait > atLeast ? wait : atLeast, Time, cancel);
        return true;
    }

    /// <summary>A failed call as the error for whoever made it.</summary>
    public async Task<Exception> WordedAsync(RpcException error, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return new OperationCanceledException("The call to Spark was cancelled.", error, cancel);
        if (disposed) return new ObjectDisposedException($"the Spark session {SessionId}", error);
        var known = SparkErrors.Of(error);
        if (error.StatusCode == StatusCode.Unavailable || known.Says("INVALID_HANDLE.SESSION_")) IsLost = true;
        return known.ToException(remote, known.Id is { } id && Version is { IsAtLeast4: true } ? await DetailsAsync(id, cancel) : null);
    }

    /// <summary>A call that tidies up after something else, once and for ten seconds at most.</summary>
    /// <returns>Whether it failed: then the server tidies up by itself, later.</returns>
    public async Task<bool> CleanUpAsync(Func<CallOptions, Task> call)
    {
        if (disposed) return true;
        using var limit = new CancellationTokenSource(cleanUpLimit, Time);
        try
        {
            await call(Options(limit.Token));
            return false;
        }
        catch (RpcException)
        {
            return true;
        }
        catch (ObjectDisposedException) when (disposed)
        {
            return true;
        }
    }

    public void Dispose()
    {
        disposed = true;
        channel.Dispose();
    }

    // The server forgets them when they were fetched, so there is no second try; without them the error is shorter, and still an error.
    async Task<Proto.FetchErrorDetailsResponse?> DetailsAsync(string id, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(cleanUpLimit, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            using var call = Client.FetchErrorDetailsAsync(Addressed(new Proto.FetchErrorDetailsRequest { ErrorId = id }), Options(either.Token));
            return await call.ResponseAsync;
        }
        catch (RpcException)
        {
            return null;
        }
    }
}
