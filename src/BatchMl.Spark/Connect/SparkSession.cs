using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Ipc;

namespace BatchMl.Spark.Connect;

/// <summary>
/// A session with a Spark Connect server of 3.5 or newer: its own confs, views and artifacts. Calls may be made side by side. A call is repeated, with growing waits, where the server could not be reached or asks
/// for it, and an execution is attached to again; every other error is a <see cref="SparkException"/> at once. Every call ends with <see cref="OperationCanceledException"/> when it is cancelled.
/// </summary>
public sealed class SparkSession : IAsyncDisposable
{
    readonly SparkCalls calls;
    readonly ArtifactUpload artifacts;
    readonly bool isOurs;
    readonly ConcurrentDictionary<string, Operation> running = new();
    bool disposed;

    SparkSession(SparkCalls calls, SparkVersion version, bool isOurs) => (this.calls, Version, this.isOurs, artifacts) = (calls, version, isOurs, new(calls, isOurs));

    /// <summary>The server's version.</summary>
    public SparkVersion Version { get; }

    /// <summary>The session's UUID.</summary>
    public string Id => calls.SessionId;

    /// <summary>Whether a call failed because the server could not be reached for long, or no longer knows the session: only another session can go on.</summary>
    public bool IsLost => calls.IsLost;

    /// <summary>Opens a session and asks for the server's version.</summary>
    /// <param name="remote">Where.</param>
    /// <param name="options">How it behaves; null: as by default.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SparkException">No server answers there (<see cref="FailureKind.Transient"/>), it refuses the token, or it is older than 3.5.</exception>
    public static async Task<SparkSession> ConnectAsync(SparkRemote remote, SparkSessionOptions? options = null, CancellationToken cancel = default)
    {
        var calls = new SparkCalls(remote, options ?? new());
        try
        {
            var response = await calls.CallAsync(o => calls.Client.AnalyzePlanAsync(calls.Addressed(new Proto.AnalyzePlanRequest { SparkVersion = new() }), o), cancel);
            SparkVersion version;
            try
            {
                version = SparkVersion.Parse(response.SparkVersion?.Version ?? "");
            }
            catch (FormatException e)
            {
                throw new SparkException($"The server at {remote.Host}:{remote.Port} does not say its version: {e.Message}", inner: e);
            }
            if (!version.IsSupported)
                throw new SparkException($"Got Spark {version} at {remote.Host}:{remote.Port}, expected 3.5 or newer: update the cluster, or name another one.");
            calls.Version = version;
            return new SparkSession(calls, version, remote.SessionId is null);
        }
        catch
        {
            calls.Dispose();
            throw;
        }
    }

    /// <summary>Sets confs of the session.</summary>
    /// <param name="values">By key. Static confs are refused by the server; keys that Spark does not know are taken, and reach the executors if they begin with <c>spark.</c>.</param>
    /// <param name="cancel">Ends the call.</param>
    public Task SetAsync(IReadOnlyDictionary<string, string> values, CancellationToken cancel = default)
    {
        var pairs = values.Select(v => new Proto.KeyValue { Key = v.Key, Value = v.Value });
        return ConfigAsync(new() { Set = new() { Pairs = { pairs } } }, cancel);
    }

    /// <summary>A conf of the session, or its default.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>Null: not set, without default.</returns>
    public async Task<string?> GetAsync(string key, CancellationToken cancel = default)
    {
        var response = await ConfigAsync(new() { GetOption = new() { Keys = { key } } }, cancel);
        return response.Pairs.FirstOrDefault(p => p.Key == key) is { HasValue: true } pair ? pair.Value : null;
    }

    /// <summary>The columns of a relation, found without computing it.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="DefinitionException">A column has a type without counterpart in Arrow.</exception>
    public async Task<Schema> SchemaAsync(SparkRelation relation, CancellationToken cancel = default) =>
        SparkTypes.FromProto((await AnalyzeAsync(new() { Schema = new() { Plan = PlanOf(relation) } }, cancel)).Schema.Schema_);

    /// <summary>How Spark would compute a relation.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="mode">How much is shown.</param>
    /// <param name="cancel">Ends the call.</param>
    public async Task<string> ExplainAsync(SparkRelation relation, SparkExplainMode mode, CancellationToken cancel = default) =>
        (await AnalyzeAsync(new() { Explain = new() { Plan = PlanOf(relation), ExplainMode = (Proto.AnalyzePlanRequest.Types.Explain.Types.ExplainMode)mode } }, cancel)).Explain.ExplainString;

    /// <summary>The files that a relation reads, as URIs; an approximation where there are joins or limits.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="cancel">Ends the call.</param>
    public async Task<IReadOnlyList<string>> InputFilesAsync(SparkRelation relation, CancellationToken cancel = default) =>
        [.. (await AnalyzeAsync(new() { InputFiles = new() { Plan = PlanOf(relation) } }, cancel)).InputFiles.Files];

    /// <summary>
    /// Computes a relation. Batches are returned as they come, in the order of the partitions; none is empty. Their size is the session's <c>spark.sql.execution.arrow.maxRecordsPerBatch</c>, 10,000 rows unless set.
    /// Whoever stops reading, or cancels, stops the execution.
    /// </summary>
    /// <param name="relation">The relation.</param>
    /// <param name="execution">Tags and callbacks; null: none.</param>
    /// <param name="cancel">Stops the execution.</param>
    public async IAsyncEnumerable<RecordBatch> CollectAsync(SparkRelation relation, SparkExecution? execution = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var rows = 0L;
        await foreach (var response in ExecuteAsync(PlanOf(relation), execution, cancel))
        {
            if (response.ArrowBatch is not { } part) continue;
            if (part.HasStartOffset && part.StartOffset != rows)
                throw new SparkException($"Got a batch that begins at row {part.StartOffset}, expected row {rows}: responses of Spark were lost on the way.", FailureKind.Transient);
            using var reader = new ArrowStreamReader(part.Data.Memory);
            var count = 0L;
            while (await reader.ReadNextRecordBatchAsync(cancel) is { } batch)
            {
                count += batch.Length;
                if (batch.Length > 0) yield return batch;
            }
            if (count != part.RowCount)
                throw new SparkException($"Got a batch of {count} rows, expected the {part.RowCount} that Spark announced.", FailureKind.Transient);
            rows += count;
        }
    }

    /// <summary>Computes a relation and writes it.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="write">Where and how.</param>
    /// <param name="execution">Tags and callbacks; null: none.</param>
    /// <param name="cancel">Stops the execution; what is written by then is Spark's to remove.</param>
    /// <exception cref="DefinitionException">Both a path and a table are given.</exception>
    public Task WriteAsync(SparkRelation relation, SparkWrite write, SparkExecution? execution = null, CancellationToken cancel = default) =>
        CommandAsync(new() { WriteOperation = write.ToProto(relation.ToProto(Version)) }, execution, cancel);

    /// <summary>Gives a relation a name in this session, in place of another one of that name. It is computed anew each time it is read.</summary>
    /// <param name="relation">The relation.</param>
    /// <param name="name">One part, unquoted.</param>
    /// <param name="cancel">Ends the call.</param>
    public Task CreateViewAsync(SparkRelation relation, string name, CancellationToken cancel = default) =>
        CommandAsync(new() { CreateDataframeView = new() { Input = relation.ToProto(Version), Name = name, Replace = true } }, null, cancel);

    /// <summary>Runs a command in SQL.</summary>
    /// <param name="command">Spark SQL; <c>:name</c> stands for an argument.</param>
    /// <param name="arguments">Values as of <see cref="SparkRelation.Sql"/>.</param>
    /// <param name="execution">Tags and callbacks; null: none.</param>
    /// <param name="cancel">Stops the execution.</param>
    /// <returns>The rows that it returned; of a query the relation, not computed yet; null: nothing.</returns>
    public async Task<SparkRelation?> SqlAsync(string command, IReadOnlyDictionary<string, object?>? arguments = null, SparkExecution? execution = null, CancellationToken cancel = default)
    {
#pragma warning disable CS0612 // Deprecated in 4.0 and accepted by every version; its successor is ignored by 3.5 without a word.
        var sql = new Proto.SqlCommand { Sql = command, Args = { SparkRelation.Arguments(arguments) } };
#pragma warning restore CS0612
        var result = await CommandAsync(new() { SqlCommand = sql }, execution, cancel);
        return result is null ? null : new SparkRelation(_ => result);
    }

    /// <summary>Sends a file, from where every executor gets it before the session's next task. What this session has sent already is not sent again.</summary>
    /// <param name="name">
    /// A relative path whose first folder decides: <c>files/…</c> arrives as a file, <c>archives/x.tar.gz#folder</c> unpacked, in the folder in which workers run. It can not be replaced later, so it should hold the
    /// first 16 hexadecimal digits of its SHA-256 at least: then a session that was joined (<see cref="SparkRemote.SessionId"/>) may have it already.
    /// </param>
    /// <param name="path">The file on this machine.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="SparkException">The session has other content by that name, or it did not arrive whole (<see cref="FailureKind.Transient"/>).</exception>
    public Task AddArtifactAsync(string name, string path, CancellationToken cancel = default) => artifacts.SendAsync(name, () => File.OpenRead(path), cancel);

    /// <summary>Sends bytes as a file; as <see cref="AddArtifactAsync(string, string, CancellationToken)"/>.</summary>
    /// <param name="name">A relative path.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="cancel">Ends the call.</param>
    public Task AddArtifactAsync(string name, byte[] content, CancellationToken cancel = default) => artifacts.SendAsync(name, () => new MemoryStream(content, writable: false), cancel);

    /// <summary>Stops everything that runs in the session, whoever started it.</summary>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The operations that were stopped.</returns>
    public Task<IReadOnlyList<string>> InterruptAllAsync(CancellationToken cancel = default) => InterruptAsync(new() { InterruptType = Proto.InterruptRequest.Types.InterruptType.All }, cancel);

    /// <summary>Stops what runs in the session with a tag.</summary>
    /// <param name="tag">The tag (<see cref="SparkExecution.Tags"/>).</param>
    /// <param name="cancel">Ends the call.</param>
    /// <returns>The operations that were stopped.</returns>
    public Task<IReadOnlyList<string>> InterruptTagAsync(string tag, CancellationToken cancel = default) =>
        InterruptAsync(new() { InterruptType = Proto.InterruptRequest.Types.InterruptType.Tag, OperationTag = tag }, cancel);

    /// <summary>Stops what this object still runs and, from Spark 4.0 on, gives the session back unless it was joined; 3.5 keeps it for an hour. A server that can not be reached is left alone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (disposed) return;
        disposed = true;
        await Task.WhenAll(running.Values.Select(o => o.InterruptAsync()));
        if (isOurs && Version.IsAtLeast4)
        {
            await calls.CleanUpAsync(async o =>
            {
                using var call = calls.Client.ReleaseSessionAsync(calls.Addressed(new Proto.ReleaseSessionRequest()), o);
                await call.ResponseAsync;
            });
        }
        calls.Dispose();
    }

    Proto.Plan PlanOf(SparkRelation relation) => new() { Root = relation.ToProto(Version) };

    Task<Proto.AnalyzePlanResponse> AnalyzeAsync(Proto.AnalyzePlanRequest request, CancellationToken cancel) =>
        calls.CallAsync(o => calls.Client.AnalyzePlanAsync(calls.Addressed(request), o), cancel);

    Task<Proto.ConfigResponse> ConfigAsync(Proto.ConfigRequest.Types.Operation operation, CancellationToken cancel) =>
        calls.CallAsync(o => calls.Client.ConfigAsync(calls.Addressed(new Proto.ConfigRequest { Operation = operation }), o), cancel);

    async Task<IReadOnlyList<string>> InterruptAsync(Proto.InterruptRequest request, CancellationToken cancel) =>
        [.. (await calls.CallAsync(o => calls.Client.InterruptAsync(calls.Addressed(request), o), cancel)).InterruptedIds];

    async Task<Proto.Relation?> CommandAsync(Proto.Command command, SparkExecution? execution, CancellationToken cancel)
    {
        Proto.Relation? result = null;
        await foreach (var response in ExecuteAsync(new() { Command = command }, execution, cancel))
            result = response.SqlCommandResult?.Relation ?? result;
        return result;
    }

    async IAsyncEnumerable<Proto.ExecutePlanResponse> ExecuteAsync(Proto.Plan plan, SparkExecution? execution, [EnumeratorCancellation] CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        execution ??= SparkExecution.Default;
        var operation = new Operation(calls, plan, execution);
        running[operation.Id] = operation;
        try
        {
            await foreach (var response in operation.RunAsync(cancel))
            {
                if (response.ExecutionProgress is { } progress) execution.OnProgress?.Invoke(SparkProgress.Of(progress));
                if (response.Metrics is { } metrics) execution.OnMetrics?.Invoke(SparkMetrics.Of(metrics));
                yield return response;
            }
        }
        finally
        {
            running.TryRemove(operation.Id, out _);
        }
    }
}
