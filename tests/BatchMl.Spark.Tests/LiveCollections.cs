using BatchMl.TestSupport.Spark;

namespace BatchMl.Spark.Tests;

/// <summary>One server of a version for all tests of a collection, started by the first that asks. Collections do not run side by side, so there is never more than one server.</summary>
public abstract class SharedSpark(string version) : IDisposable
{
    // A server ends every stream after a second, where others take two minutes: whatever lasts longer has to attach again.
    static readonly Dictionary<string, string> confs = new() { ["spark.connect.execute.reattachable.senderMaxStreamDuration"] = "1s" };

    readonly Lazy<LiveSpark> server = new(() => LiveSpark.Start(version, confs: confs), LazyThreadSafetyMode.ExecutionAndPublication);

    public string Version => version;

    public LiveSpark Server => server.Value;

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        // Asking for a server that could not be started would fail again.
        if (server.IsValueCreated) server.Value.Dispose();
    }
}

public sealed class Spark35() : SharedSpark("3.5");

public sealed class Spark41() : SharedSpark("4.1");

public sealed class Spark43() : SharedSpark("4.3");

[CollectionDefinition(nameof(Spark35), DisableParallelization = true)]
public sealed class Spark35Collection : ICollectionFixture<Spark35>;

[CollectionDefinition(nameof(Spark41), DisableParallelization = true)]
public sealed class Spark41Collection : ICollectionFixture<Spark41>;

[CollectionDefinition(nameof(Spark43), DisableParallelization = true)]
public sealed class Spark43Collection : ICollectionFixture<Spark43>;
