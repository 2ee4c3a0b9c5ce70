using System.Net;
using System.Net.Sockets;
using BatchMl.Spark.Connect;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Proto = global::Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

/// <summary>Versions, retries, headers and errors, against a server that answers as the tests want.</summary>
public sealed class SessionTests
{
    static readonly SparkRetries few = new(3, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
    static readonly SparkSessionOptions quick = new() { Retries = few, ConnectRetries = few };
    static readonly IReadOnlyDictionary<string, string> conf = new Dictionary<string, string> { ["spark.x"] = "1" };

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static Task<SparkSession> ConnectAsync(FakeSpark fake, string rest = "") => SparkSession.ConnectAsync(SparkRemote.Parse(fake.Remote + rest), quick, Cancel);

    static SparkRelation Mapped => SparkRelation.Range(0, 1).Map(new SparkFunction([1, 2], ["id"], "`id` BIGINT", "f"));

    [Fact]
    public async Task An_old_spark_is_refused()
    {
        await using var fake = await FakeSpark.StartAsync("3.4.4");
        var error = await Assert.ThrowsAsync<SparkException>(() => ConnectAsync(fake));
        Assert.Contains("Got Spark 3.4.4", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected 3.5 or newer", error.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Permanent, error.Kind);
    }

    [Fact]
    public async Task A_spark_too_new_for_functions_still_answers_queries()
    {
        await using var fake = await FakeSpark.StartAsync("4.4.0");
        await using var session = await ConnectAsync(fake);
        Assert.False(session.Version.RunsFunctions);
        var error = await Assert.ThrowsAsync<SparkException>(() => session.SchemaAsync(Mapped, Cancel));
        Assert.Contains("Got Spark 4.4.0", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected 3.5 to 4.3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_told_with_its_address()
    {
        int port;
        using (var taken = new TcpListener(IPAddress.Loopback, 0))
        {
            taken.Start();
            port = ((IPEndPoint)taken.LocalEndpoint).Port;
        }
        var error = await Assert.ThrowsAsync<SparkException>(() => SparkSession.ConnectAsync(SparkRemote.Parse($"sc://127.0.0.1:{port}"), quick, Cancel));
        Assert.Contains($"127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Transient, error.Kind);
    }

    [Fact]
    public async Task A_refused_token_says_what_to_do()
    {
        await using var fake = await FakeSpark.StartAsync();
        fake.VersionFailure = FakeSpark.Fails(StatusCode.Unauthenticated, "Invalid authentication token");
        var error = await Assert.ThrowsAsync<SparkException>(() => ConnectAsync(fake, "/;token=s3cret"));
        Assert.Contains("spark.connect.authenticate.token", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(FailureKind.Permanent, error.Kind);
        Assert.Single(fake.Requests);
    }

    [Fact]
    public async Task Headers_token_and_names_arrive()
    {
        await using var fake = await FakeSpark.StartAsync();
        await using var session = await ConnectAsync(fake, "/;token=s3cret;user_id=ann;user_agent=nightly;x-tenant=a%3Bb;session_id=123e4567-e89b-12d3-a456-426614174000");
        Assert.Equal("Bearer s3cret", fake.Headers.GetValue("authorization"));
        Assert.Equal("a;b", fake.Headers.GetValue("x-tenant"));
        var request = Assert.Single(fake.Asked<Proto.AnalyzePlanRequest>());
        Assert.Equal(("ann", "nightly", "123e4567-e89b-12d3-a456-426614174000"), (request.UserContext.UserId, request.ClientType, request.SessionId));
    }

    [Fact]
    public async Task Only_what_may_pass_is_repeated()
    {
        await using var fake = await FakeSpark.StartAsync();
        await using var session = await ConnectAsync(fake);
        fake.ConfigFailures.Enqueue(FakeSpark.Fails(StatusCode.Unavailable, "a"));
        fake.ConfigFailures.Enqueue(FakeSpark.Fails(StatusCode.ResourceExhausted, "b", new RetryInfo()));
        await session.SetAsync(conf, Cancel);
        Assert.Equal(3, fake.Asked<Proto.ConfigRequest>().Count());
        fake.ConfigFailures.Enqueue(FakeSpark.Fails(StatusCode.Internal, "no"));
        Assert.Equal(FailureKind.Permanent, (await Assert.ThrowsAsync<SparkException>(() => session.SetAsync(conf, Cancel))).Kind);
        Assert.Equal(4, fake.Asked<Proto.ConfigRequest>().Count());
        for (var i = 0; i < 3; i++) fake.ConfigFailures.Enqueue(FakeSpark.Fails(StatusCode.Unavailable, "down"));
        Assert.Equal(FailureKind.Transient, (await Assert.ThrowsAsync<SparkException>(() => session.SetAsync(conf, Cancel))).Kind);
        Assert.Equal(7, fake.Asked<Proto.ConfigRequest>().Count());
    }

    [Fact]
    public void Waits_grow_and_have_a_limit()
    {
        var retries = new SparkRetries(6, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));
        double?[] longest = [.. Enumerable.Range(1, 6).Select(i => retries.After(i, 1)?.TotalMilliseconds)];
        Assert.Equal([50, 200, 800, 2_000, 2_000, null], longest);
        Assert.Equal(25, retries.After(1, 0)!.Value.TotalMilliseconds);
    }

    [Fact]
    public async Task An_error_of_3_5_is_read_from_its_trailers_and_not_asked_for()
    {
        await using var fake = await FakeSpark.StartAsync("3.5.7");
        await using var session = await ConnectAsync(fake);
        fake.AnalyzeFailure = FakeSpark.Fails(StatusCode.Internal, "no such column",
            new ErrorInfo { Reason = "org.apache.spark.sql.AnalysisException", Domain = "org.apache.spark", Metadata = { ["classes"] = "[]", ["errorId"] = "1", ["stackTrace"] = "at a.b.C" } });
        var error = await Assert.ThrowsAsync<SparkException>(() => session.SchemaAsync(SparkRelation.Range(0, 1), Cancel));
        Assert.Equal(("org.apache.spark.sql.AnalysisException", "at a.b.C", FailureKind.Permanent), (error.JavaClass, error.JavaStack, error.Kind));
        Assert.Contains("no such column", error.Message, StringComparison.Ordinal);
        Assert.Empty(fake.Asked<Proto.FetchErrorDetailsRequest>());
    }

    [Fact]
    public async Task A_workers_error_is_ours_again()
    {
        await using var fake = await FakeSpark.StartAsync();
        await using var session = await ConnectAsync(fake);
        var text = $"[PYTHON_EXCEPTION] {WorkerError.Format(new DataException("Row 7 is odd."))}";
        fake.AnalyzeFailure = FakeSpark.Fails(StatusCode.Internal, "cut", new ErrorInfo { Reason = "org.apache.spark.SparkException", Metadata = { ["errorId"] = "e1" } });
        fake.Details = new()
        {
            RootErrorIdx = 0,
            Errors =
            {
                new Proto.FetchErrorDetailsResponse.Types.Error { Message = "Job aborted", CauseIdx = 1, ErrorTypeHierarchy = { "org.apache.spark.SparkException" } },
                new Proto.FetchErrorDetailsResponse.Types.Error
                {
                    // It points back at the first: no reason to go round in circles.
                    Message = text, CauseIdx = 0, SparkThrowable = new() { ErrorClass = "PYTHON_EXCEPTION", SqlState = "38000" },
                    StackTrace = { new Proto.FetchErrorDetailsResponse.Types.StackTraceElement { DeclaringClass = "a.B", MethodName = "c", FileName = "B.scala", LineNumber = 3 } },
                },
            },
        };
        var error = await Assert.ThrowsAsync<SparkException>(() => session.SchemaAsync(SparkRelation.Range(0, 1), Cancel));
        Assert.StartsWith("Row 7 is odd.", error.Message, StringComparison.Ordinal);
        Assert.Equal((typeof(DataException).FullName, FailureKind.Permanent, "PYTHON_EXCEPTION", "38000"), (error.WorkerType, error.Kind, error.ErrorClass, error.SqlState));
        Assert.Contains("at a.B.c(B.scala:3)", error.ToString(), StringComparison.Ordinal);
        Assert.Equal("e1", Assert.Single(fake.Asked<Proto.FetchErrorDetailsRequest>()).ErrorId);
    }

    [Fact]
    public async Task The_servers_session_is_sent_back_and_a_new_session_released()
    {
        await using var fake = await FakeSpark.StartAsync();
        await using (var session = await ConnectAsync(fake)) await session.SetAsync(conf, Cancel);
        Assert.False(fake.Asked<Proto.AnalyzePlanRequest>().Single().HasClientObservedServerSideSessionId);
        Assert.Equal("session-of-the-server", fake.Asked<Proto.ConfigRequest>().Single().ClientObservedServerSideSessionId);
        Assert.Single(fake.Asked<Proto.ReleaseSessionRequest>());
        await using (await ConnectAsync(fake, "/;session_id=123e4567-e89b-12d3-a456-426614174000")) { }
        Assert.Single(fake.Asked<Proto.ReleaseSessionRequest>());
    }

    [Fact]
    public async Task Nothing_that_3_5_does_not_know_is_sent_to_it()
    {
        await using var fake = await FakeSpark.StartAsync("3.5.7");
        fake.Executions.Enqueue(FakeSpark.Says(null, FakeSpark.Row("r1", 0), FakeSpark.Complete("r2")));
        await using (var session = await ConnectAsync(fake))
        {
            await session.SetAsync(conf, Cancel);
            var sql = SparkRelation.Sql("SELECT :a", new Dictionary<string, object?> { ["a"] = 1 });
            var relation = Mapped.Union(sql).Join(SparkRelation.Parquet("/x"), ["id"]).GroupBy("id").Agg("count(*)").Sort("id").Limit(1).Repartition(2).Repartition(2, "id").As("t");
            await session.WriteAsync(relation, new SparkWrite { Path = "/y" }, new SparkExecution { Tags = ["t"] }, Cancel);
            await session.InterruptAllAsync(Cancel);
        }
        var newer = ProtocolVersions.FieldsNewerThan35();
        Assert.Contains("Spark.Connect.ExecutePlanRequest.client_observed_server_side_session_id", newer, StringComparer.OrdinalIgnoreCase);
        Assert.Empty(fake.Requests.SelectMany(ProtocolVersions.FieldsSet).Intersect(newer, StringComparer.OrdinalIgnoreCase));
        Assert.Empty(fake.Asked<Proto.ReleaseSessionRequest>());
        var function = fake.Asked<Proto.ExecutePlanRequest>().Single();
        Assert.Contains("dotnet1/spark3.5", function.ToString(), StringComparison.Ordinal);
    }
}
