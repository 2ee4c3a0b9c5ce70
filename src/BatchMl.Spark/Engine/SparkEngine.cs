using System.Globalization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>
/// Computes features and scores in Spark's executors, by this program's own code: the same kernel, the same readers and the same pipeline as in one process, so the same bits. Plans are made on the driver, from the same pinned
/// files, so fingerprints and ledger are the same too: what one engine made the other does not make again.
/// </summary>
/// <param name="options">Which Spark, and how.</param>
public sealed class SparkEngine(SparkEngineOptions options) : IEngine, IAsyncDisposable
{
    readonly SemaphoreSlim gate = new(1, 1);
    SparkSession? session;

    /// <inheritdoc/>
    public string Name => "spark";

    /// <inheritdoc/>
    public long UnitRows => 100_000_000;

    /// <inheritdoc/>
    public int UnitPartitions => 2_000;

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">Spark is not there, refuses, or is of a version that the worker does not know; executors do not share the workspace.</exception>
    public async Task<IPinnedQuery> OpenAsync(FeatureQuery query, Func<string, IBatchSource> sources, FeatureOptions features, CancellationToken cancel)
    {
        // In a task all of its cores' memory and threads are Spark's to give.
        var local = await new LocalEngine(null).OpenAsync(query, sources, features with { Threads = 1 }, cancel);
        return new SparkQuery(local, features with { Threads = 1 }, options, SessionAsync);
    }

    async Task<SparkSession> SessionAsync(CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            if (session is { IsLost: true } lost)
            {
                session = null;
                await lost.DisposeAsync();
            }
            return session ??= await ConnectAsync(cancel);
        }
        catch (BatchMlException e) when (e is not DefinitionException)
        {
            throw new EngineUnavailableException(e.Message, e.Kind, e);
        }
        finally
        {
            gate.Release();
        }
    }

    async Task<SparkSession> ConnectAsync(CancellationToken cancel)
    {
        var remote = SparkRemote.Parse(options.Remote);
        var connected = await SparkSession.ConnectAsync(remote, new SparkSessionOptions { Time = options.Clock }, cancel);
        try
        {
            if (!connected.Version.RunsFunctions)
                throw new BatchMlException($"The Spark at {remote} is of version {connected.Version}; this program can be a worker of 3.5 to 4.3. Use such a Spark, or --engine local.");
            if (options.OnProgress is { } tell)
            {
                var pages = await SparkPages.FindAsync(connected, cancel);
                tell($"Spark {connected.Version} at {remote}, session {connected.Id}{(pages is null ? "" : $", pages at {pages}")}");
            }
            var worker = options.Ship ? await ShipAsync(connected, cancel) : options.WorkerProgram;
            await connected.SetAsync(new Dictionary<string, string>(options.Confs)
            {
                ["spark.sql.execution.pyspark.python"] = worker,
                // A row of a shuffle is a parcel of thousands of rows, some megabytes large.
                ["spark.sql.execution.arrow.maxRecordsPerBatch"] = "4",
                ["spark.sql.execution.arrow.useLargeVarTypes"] = "false",
                ["spark.sql.session.timeZone"] = "UTC",
            }, cancel);
            await ProbeAsync(connected, cancel);
            return connected;
        }
        catch
        {
            await connected.DisposeAsync();
            throw;
        }
    }

    async Task<string> ShipAsync(SparkSession connected, CancellationToken cancel)
    {
        var program = await ShippedProgram.PackAsync(options.WorkerProgram, options.Workspace, options.Clock, cancel);
        options.OnProgress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"Sending the program to the executors: {new FileInfo(program.Archive).Length >> 20:N0} MiB"));
        return await program.SendAsync(connected, cancel);
    }

    // Before any work is done: that executors can start the worker, and see the workspace.
    async Task ProbeAsync(SparkSession connected, CancellationToken cancel)
    {
        const int Tasks = 8;
        using var staging = StagingFolder.Create(options.Workspace);
        staging.WriteProbe();
        var order = new TaskOrder(
            ProgramDigest.Own, TaskKind.Probe, 0, "", "", options.Workspace, new Dictionary<string, string?>(), new FeatureOptions(options.Clock.GetUtcNow(), 0, 1, 1), [], new BatchMl.Engine.Shuffle.ShuffleLayout(1, false, []), staging.Path, null);
        var probe = SparkRelation.Range(0, Tasks, 1, Tasks).Map(new SparkFunction(order.ToCommand(), ["id"], "answer STRING", "batchml_probe"));
        await foreach (var batch in connected.CollectAsync(probe, null, cancel))
        {
            using (batch)
            {
                var answers = (StringArray)batch.Column(0);
                for (var i = 0; i < answers.Length; i++) staging.CheckAnswer(answers.GetString(i));
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (session is not null) await session.DisposeAsync();
        gate.Dispose();
    }
}
