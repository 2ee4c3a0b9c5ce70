using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.Spark.Engine;

/// <summary>A model that the tasks of a worker share: loaded once if its scorer allows that, otherwise as often as tasks score at once.</summary>
sealed class SharedModel : IDisposable
{
    readonly ScorerFactory load;
    readonly List<IScorer> loaded = [];
    readonly Stack<IScorer> idle = [];
    readonly Lock gate = new();

    SharedModel(ModelPackage package, ScorerFactory load) => (Package, this.load) = (package, load);

    public ModelPackage Package { get; }

    /// <exception cref="BatchMlException">The package is not there, or is another one.</exception>
    public static SharedModel Load(ModelOrder order, IReadOnlyDictionary<string, ScorerFactory> scorers)
    {
        if (!Directory.Exists(order.Folder))
            throw new BatchMlException($"The model {order.Digest[..12]} is not on this executor: there is no folder {order.Folder}. Expected the workspace in a folder that driver and executors share; choose such a one with --workspace.", FailureKind.Permanent);
        var package = ModelPackage.Open(order.Folder);
        if (package.Manifest.Digest != order.Digest)
            throw new BatchMlException($"The model in {order.Folder} is {package.Manifest.Digest[..12]} on this executor; expected {order.Digest[..12]}, as on the driver. Expected the workspace in a folder that driver and executors share.", FailureKind.Permanent);
        return new SharedModel(package, scorers[package.Manifest.Flavor]);
    }

    /// <summary>A scorer for one task; disposing it gives it back.</summary>
    public IScorer Rent()
    {
        lock (gate)
        {
            if (loaded is [{ IsThreadSafe: true } shared, ..]) return new Lent(this, shared);
            if (idle.TryPop(out var free)) return new Lent(this, free);
            var scorer = load(Package);
            loaded.Add(scorer);
            return new Lent(this, scorer);
        }
    }

    void GiveBack(IScorer scorer)
    {
        lock (gate)
        {
            if (!scorer.IsThreadSafe) idle.Push(scorer);
        }
    }

    public void Dispose()
    {
        foreach (var scorer in loaded) scorer.Dispose();
    }

    sealed class Lent(SharedModel model, IScorer scorer) : IScorer
    {
        int disposed;

        public ModelSignature Signature => scorer.Signature;

        public bool IsThreadSafe => scorer.IsThreadSafe;

        public IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel) => scorer.Score(inputs, cancel);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0) model.GiveBack(scorer);
        }
    }
}
