using Apache.Arrow;
using BatchMl.Spark.Connect;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Proto = global::Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>Executions against a server that cuts, forgets and lies.</summary>
public sealed class ExecutionTests
{
    static readonly SparkSessionOptions quick = new() { Retries = new(4, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2)) };
    static readonly SparkRelation rows = SparkRelation.Range(0, 3);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static Task<SparkSession> ConnectAsync(FakeSpark fake) => SparkSession.ConnectAsync(SparkRemote.Parse(fake.Remote), quick, Cancel);

    static async Task<List<long>> CollectAsync(SparkSession session, CancellationToken cancel = default)
    {
        var numbers = new List<long>();
        await foreach (var batch in session.CollectAsync(rows, cancel: cancel)) numbers.AddRange(((Int64Array)batch.Column(0)).Values);
        return numbers;
    }

    [Fact]
    public async Task A_stream_that_ends_without_its_result_is_attached_to_again()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 0)));
        fake.Reattachments.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r2", 1)));
        fake.Reattachments.Enqueue(FakeSpark.Says(null));
        fake.Reattachments.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r3", 2), FakeSpark.Complete("r4")));
        await using var session = await ConnectAsync(fake);
        Assert.Equal([0, 1, 2], await CollectAsync(session, Cancel));
        var execution = Assert.Single(fake.Asked<Proto.ExecutePlanRequest>());
        Assert.True(execution.RequestOptions.Single().ReattachOptions.Reattachable);
        Assert.Equal(["r1", "r2", "r2"], fake.Asked<Proto.ReattachExecuteRequest>().Select(r => r.LastResponseId));
        Assert.All(fake.Asked<Proto.ReattachExecuteRequest>(), r => Assert.Equal(execution.OperationId, r.OperationId));
        Assert.Equal(Proto.ReleaseExecuteRequest.ReleaseOneofCase.ReleaseAll, fake.Asked<Proto.ReleaseExecuteRequest>().Last().ReleaseCase);
        Assert.Contains(fake.Asked<Proto.ReleaseExecuteRequest>(), r => r.ReleaseUntil?.ResponseId == "r1");
        Assert.Empty(fake.Asked<Proto.InterruptRequest>());
    }

    [Fact]
    public async Task An_unavailable_server_is_attached_to_again()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Unavailable, "going"), FakeSpark.Row("r1", 0)));
        fake.Reattachments.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Internal, "[INVALID_CURSOR.DISCONNECTED] another one came")));
        fake.Reattachments.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r2", 1), FakeSpark.Complete("r3")));
        await using var session = await ConnectAsync(fake);
        Assert.Equal([0, 1], await CollectAsync(session, Cancel));
    }

    [Fact]
    public async Task A_connection_that_breaks_is_made_again()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(async (stream, context) =>
        {
            await stream.WriteAsync(FakeSpark.Row("r1", 0));
            context.GetHttpContext().Features.Get<IConnectionLifetimeFeature>()!.Abort();
        });
        fake.Reattachments.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 0), FakeSpark.Row("r2", 1), FakeSpark.Complete("r3")));
        await using var session = await ConnectAsync(fake);
        var got = await CollectAsync(session, Cancel);
        // The row may be lost with the connection or have arrived before: what the client says it has seen decides.
        Assert.Equal(Assert.Single(fake.Asked<Proto.ReattachExecuteRequest>()).HasLastResponseId ? [0, 0, 1] : [0, 1], got);
    }

    [Fact]
    public async Task A_request_that_never_arrived_is_sent_again()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Unavailable, "lost")));
        fake.Reattachments.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Internal, "[INVALID_HANDLE.OPERATION_NOT_FOUND] none")));
        fake.Executions.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 5), FakeSpark.Complete("r2")));
        await using var session = await ConnectAsync(fake);
        Assert.Equal([5], await CollectAsync(session, Cancel));
        Assert.Equal(2, fake.Asked<Proto.ExecutePlanRequest>().Count());
        Assert.Single(fake.Asked<Proto.ExecutePlanRequest>().DistinctBy(r => r.OperationId));
    }

    [Fact]
    public async Task An_operation_that_was_lost_after_its_first_rows_is_an_error()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Unavailable, "lost"), FakeSpark.Row("r1", 0)));
        fake.Reattachments.Enqueue(FakeSpark.Says(FakeSpark.Fails(StatusCode.Internal, "[INVALID_HANDLE.OPERATION_NOT_FOUND] none")));
        await using var session = await ConnectAsync(fake);
        var error = await Assert.ThrowsAsync<SparkException>(() => CollectAsync(session, Cancel));
        Assert.Equal(FailureKind.Transient, error.Kind);
        Assert.Single(fake.Asked<Proto.ExecutePlanRequest>());
    }

    [Fact]
    public async Task Streams_that_always_end_at_once_are_given_up()
    {
        await using var fake = await FakeSpark.StartAsync();
        await using var session = await ConnectAsync(fake);
        var error = await Assert.ThrowsAsync<SparkException>(() => CollectAsync(session, Cancel));
        Assert.Contains("without a result", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, fake.Asked<Proto.ReattachExecuteRequest>().Count());
        Assert.Single(fake.Asked<Proto.InterruptRequest>());
    }

    [Fact]
    public async Task A_response_newer_than_the_client_is_passed_over()
    {
        await using var fake = await FakeSpark.StartAsync("4.9.0");
        // Field 700, a text: a member of the response that does not exist yet.
        byte[] member = [0xE2, 0x2B, 1, (byte)'x'];
        var unknown = Proto.ExecutePlanResponse.Parser.ParseFrom(new Proto.ExecutePlanResponse { ResponseId = "r2" }.ToByteArray().Concat(member).ToArray());
        Assert.Equal(Proto.ExecutePlanResponse.ResponseTypeOneofCase.None, unknown.ResponseTypeCase);
        fake.Executions.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 0), unknown, FakeSpark.Row("r3", 1), FakeSpark.Complete("r4")));
        await using var session = await ConnectAsync(fake);
        Assert.Equal([0, 1], await CollectAsync(session, Cancel));
    }

    [Fact]
    public async Task Rows_lost_on_the_way_are_noticed()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 0, offset: 0), FakeSpark.Row("r3", 2, offset: 2), FakeSpark.Complete("r4")));
        await using var session = await ConnectAsync(fake);
        Assert.Contains("begins at row 2, expected row 1", (await Assert.ThrowsAsync<SparkException>(() => CollectAsync(session, Cancel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_execution_is_interrupted_and_released()
    {
        await using var fake = await FakeSpark.StartAsync();
        using var stop = new CancellationTokenSource();
        fake.Executions.Enqueue(async (stream, context) =>
        {
            await stream.WriteAsync(FakeSpark.Row("r1", 0));
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        });
        await using var session = await ConnectAsync(fake);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CollectAsync(session, stop.Token));
        var id = Assert.Single(fake.Asked<Proto.ExecutePlanRequest>()).OperationId;
        Assert.Equal(id, Assert.Single(fake.Asked<Proto.InterruptRequest>()).OperationId);
        Assert.Contains(fake.Asked<Proto.ReleaseExecuteRequest>(), r => r.OperationId == id && r.ReleaseCase == Proto.ReleaseExecuteRequest.ReleaseOneofCase.ReleaseAll);
    }

    [Fact]
    public async Task What_a_callback_throws_ends_the_execution()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.Executions.Enqueue(FakeSpark.Says(null, new Proto.ExecutePlanResponse { ResponseId = "r1", ExecutionProgress = new() { NumInflightTasks = 3 } }, FakeSpark.Complete("r2")));
        await using var session = await ConnectAsync(fake);
        var execution = new SparkExecution { OnProgress = p => throw new InvalidOperationException($"{p.TasksRunning}") };
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => session.WriteAsync(rows, new SparkWrite { Format = "noop" }, execution, Cancel));
        Assert.Equal("3", error.Message);
    }
}
