using System.Collections.Concurrent;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Proto = global::Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>A Spark Connect server in this process that misbehaves as a test wants, and remembers what it was asked.</summary>
sealed class FakeSpark : IAsyncDisposable
{
    readonly WebApplication host;

    FakeSpark(string version)
    {
        Version = version;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Service(this));
        host = builder.Build();
        host.MapGrpcService<Service>();
    }

    public delegate Task Answer(IServerStreamWriter<Proto.ExecutePlanResponse> stream, ServerCallContext context);

    public string Version { get; }

    /// <summary>Every request, in order.</summary>
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    /// <summary>The headers of the last call.</summary>
    public Metadata Headers { get; set; } = [];

    /// <summary>What ExecutePlan answers, one call after the other; then nothing but an end.</summary>
    public ConcurrentQueue<Answer> Executions { get; } = new();

    /// <summary>What ReattachExecute answers, one call after the other; then nothing but an end.</summary>
    public ConcurrentQueue<Answer> Reattachments { get; } = new();

    /// <summary>What Config fails with, one call after the other; then it succeeds.</summary>
    public ConcurrentQueue<RpcException> ConfigFailures { get; } = new();

    /// <summary>What AnalyzePlan, asked for anything but the version, fails with.</summary>
    public RpcException? AnalyzeFailure { get; set; }

    /// <summary>What asking for the version fails with.</summary>
    public RpcException? VersionFailure { get; set; }

    public Proto.FetchErrorDetailsResponse Details { get; set; } = new();

    public string Remote => $"sc://127.0.0.1:{new Uri(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port}";

    public static async Task<FakeSpark> StartAsync(string version = "4.1.4")
    {
        var fake = new FakeSpark(version);
        await fake.host.StartAsync();
        return fake;
    }

    public IEnumerable<T> Asked<T>() => Requests.OfType<T>();

    /// <summary>A response with one row.</summary>
    public static Proto.ExecutePlanResponse Row(string id, long value, long? offset = null)
    {
        var schema = new Schema([new Field("id", Int64Type.Default, false)], null);
        using var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [new Int64Array.Builder().Append(value).Build()], 1));
            writer.WriteEnd();
        }
        var batch = new Proto.ExecutePlanResponse.Types.ArrowBatch { RowCount = 1, Data = ByteString.CopyFrom(stream.ToArray()) };
        if (offset is { } o) batch.StartOffset = o;
        return new() { ResponseId = id, ArrowBatch = batch };
    }

    public static Proto.ExecutePlanResponse Complete(string id) => new() { ResponseId = id, ResultComplete = new() };

    /// <summary>These responses, and then the end, or a failure.</summary>
    public static Answer Says(RpcException? then, params Proto.ExecutePlanResponse[] responses) => async (stream, _) =>
    {
        foreach (var response in responses) await stream.WriteAsync(response);
        if (then is not null) throw then;
    };

    public static RpcException Fails(StatusCode code, string message, params IMessage[] details)
    {
        var trailers = new Metadata();
        if (details.Length > 0)
            trailers.Add("grpc-status-details-bin", new Google.Rpc.Status { Code = (int)code, Message = message, Details = { details.Select(d => Google.Protobuf.WellKnownTypes.Any.Pack(d)) } }.ToByteArray());
        return new RpcException(new Status(code, message), trailers);
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    sealed class Service(FakeSpark fake) : Proto.SparkConnectService.SparkConnectServiceBase
    {
        string Session => fake.Version.StartsWith('3') ? "" : "session-of-the-server";

        void Note(IMessage request, ServerCallContext context)
        {
            fake.Requests.Enqueue(request);
            fake.Headers = context.RequestHeaders;
        }

        public override Task<Proto.AnalyzePlanResponse> AnalyzePlan(Proto.AnalyzePlanRequest request, ServerCallContext context)
        {
            Note(request, context);
            if (request.AnalyzeCase != Proto.AnalyzePlanRequest.AnalyzeOneofCase.SparkVersion && fake.AnalyzeFailure is { } failure) throw failure;
            if (fake.VersionFailure is { } refusal) throw refusal;
            return Task.FromResult(new Proto.AnalyzePlanResponse { ServerSideSessionId = Session, SparkVersion = new() { Version = fake.Version } });
        }

        public override Task<Proto.ConfigResponse> Config(Proto.ConfigRequest request, ServerCallContext context)
        {
            Note(request, context);
            if (fake.ConfigFailures.TryDequeue(out var failure)) throw failure;
            return Task.FromResult(new Proto.ConfigResponse { ServerSideSessionId = Session });
        }

        public override async Task ExecutePlan(Proto.ExecutePlanRequest request, IServerStreamWriter<Proto.ExecutePlanResponse> stream, ServerCallContext context)
        {
            Note(request, context);
            if (fake.Executions.TryDequeue(out var answer)) await answer(stream, context);
        }

        public override async Task ReattachExecute(Proto.ReattachExecuteRequest request, IServerStreamWriter<Proto.ExecutePlanResponse> stream, ServerCallContext context)
        {
            Note(request, context);
            if (fake.Reattachments.TryDequeue(out var answer)) await answer(stream, context);
        }

        public override Task<Proto.ReleaseExecuteResponse> ReleaseExecute(Proto.ReleaseExecuteRequest request, ServerCallContext context)
        {
            Note(request, context);
            return Task.FromResult(new Proto.ReleaseExecuteResponse());
        }

        public override Task<Proto.InterruptResponse> Interrupt(Proto.InterruptRequest request, ServerCallContext context)
        {
            Note(request, context);
            return Task.FromResult(new Proto.InterruptResponse { InterruptedIds = { request.OperationId } });
        }

        public override Task<Proto.ReleaseSessionResponse> ReleaseSession(Proto.ReleaseSessionRequest request, ServerCallContext context)
        {
            Note(request, context);
            return Task.FromResult(new Proto.ReleaseSessionResponse());
        }

        public override Task<Proto.FetchErrorDetailsResponse> FetchErrorDetails(Proto.FetchErrorDetailsRequest request, ServerCallContext context)
        {
            Note(request, context);
            return Task.FromResult(fake.Details);
        }
    }
}
