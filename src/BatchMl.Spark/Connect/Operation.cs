using System.Runtime.CompilerServices;
using Grpc.Core;

namespace BatchMl.Spark.Connect;

/// <summary>
/// One execution on the server. It outlives the connection: the server keeps its responses until they are released, so when a stream ends before its result is complete (every two minutes or gigabyte on purpose, or
/// because the connection broke) the client attaches again after the last response that it has seen.
/// </summary>
sealed class Operation(SparkCalls calls, Proto.Plan plan, SparkExecution execution)
{
    const int InterruptTries = 5;
    static readonly TimeSpan interruptWait = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan shortStream = TimeSpan.FromSeconds(1);

    readonly string id = Guid.NewGuid().ToString();
    string? lastResponse;
    Task releasing = Task.CompletedTask;

    public string Id => id;

    /// <summary>The responses, each once and in order. Ending early or being cancelled stops the execution on the server.</summary>
    public async IAsyncEnumerable<Proto.ExecutePlanResponse> RunAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var ended = false;
        try
        {
            var sent = false;
            var failures = 0;
            while (!ended)
            {
                cancel.ThrowIfCancellationRequested();
                var since = calls.Time.GetTimestamp();
                var seen = lastResponse;
                var attaching = sent;
                using var call = attaching ? Reattach(cancel) : Execute(cancel);
                sent = true;
                RpcException? failure = null;
                while (true)
                {
                    Proto.ExecutePlanResponse response;
                    try
                    {
                        if (!await call.ResponseStream.MoveNext(cancel)) break;
                        response = call.ResponseStream.Current;
                    }
                    catch (RpcException e)
                    {
                        failure = e;
                        break;
                    }
                    (lastResponse, failures) = (response.ResponseId, 0);
                    calls.Observe(response.ServerSideSessionId);
                    Release();
                    ended = response.ResponseTypeCase == Proto.ExecutePlanResponse.ResponseTypeOneofCase.ResultComplete;
                    yield return response;
                    if (ended) yield break;
                }
                if (failure is not null && attaching && IsUnknown(failure)) sent = false;
                else if (failure is not null && !await calls.MayRepeatAsync(failure, ++failures, cancel))
                {
                    // Else it may go on without us.
                    ended = !cancel.IsCancellationRequested && !SparkErrors.Of(failure).IsRetriable;
                    throw await calls.WordedAsync(failure, cancel);
                }
                else if (failure is null && lastResponse == seen && calls.Time.GetElapsedTime(since) < shortStream && !await calls.BackOffAsync(++failures, TimeSpan.Zero, cancel))
                {
                    throw new SparkException($"Spark ended the answers of the operation {id} {failures} times at once and without a result. What is between this machine and the server may cut streams: see the server's log.", FailureKind.Transient);
                }
            }
        }
        finally
        {
            if (!ended) await InterruptAsync();
            await releasing;
            // Without a connection the server does it by itself after some minutes.
            await ReleaseAsync(new Proto.ReleaseExecuteRequest { OperationId = id, ReleaseAll = new() });
        }
    }

    /// <summary>Stops it on the server, if that can be reached.</summary>
    public async Task InterruptAsync()
    {
        var found = false;
        // An interrupt can overtake the request that it is meant for: until there was a response, one that finds nothing to stop is repeated.
        for (var tries = 1; !found; tries++)
        {
            var failure = await calls.CleanUpAsync(async o =>
            {
                using var call = calls.Client.InterruptAsync(calls.Addressed(new Proto.InterruptRequest { InterruptType = Proto.InterruptRequest.Types.InterruptType.OperationId, OperationId = id }), o);
                found = (await call.ResponseAsync).InterruptedIds.Count > 0;
            });
            if (failure || lastResponse is not null || tries == InterruptTries) return;
            if (!found) await Task.Delay(interruptWait * tries, calls.Time);
        }
    }

    AsyncServerStreamingCall<Proto.ExecutePlanResponse> Execute(CancellationToken cancel) => calls.Client.ExecutePlan(calls.Addressed(new Proto.ExecutePlanRequest
    {
        Plan = plan,
        OperationId = id,
        Tags = { execution.Tags },
        RequestOptions = { new Proto.ExecutePlanRequest.Types.RequestOption { ReattachOptions = new() { Reattachable = true } } },
    }), calls.Options(cancel));

    AsyncServerStreamingCall<Proto.ExecutePlanResponse> Reattach(CancellationToken cancel)
    {
        var request = calls.Addressed(new Proto.ReattachExecuteRequest { OperationId = id });
        if (lastResponse is { } last) request.LastResponseId = last;
        return calls.Client.ReattachExecute(request, calls.Options(cancel));
    }

    // The request never arrived: it is sent anew. Once there were responses, an unknown operation is an error.
    bool IsUnknown(RpcException error) =>
        lastResponse is null && SparkErrors.Of(error) is var known && (known.Says("INVALID_HANDLE.OPERATION_NOT_FOUND") || known.Says("INVALID_HANDLE.SESSION_NOT_FOUND"));

    // What was seen need not be kept by the server. One such call at a time: the next one covers what came meanwhile.
    void Release()
    {
        if (!releasing.IsCompleted || lastResponse is null) return;
        releasing = ReleaseAsync(new Proto.ReleaseExecuteRequest { OperationId = id, ReleaseUntil = new() { ResponseId = lastResponse } });
    }

    Task ReleaseAsync(Proto.ReleaseExecuteRequest request) => calls.CleanUpAsync(async o =>
    {
        using var call = calls.Client.ReleaseExecuteAsync(calls.Addressed(request), o);
        await call.ResponseAsync;
    });
}
