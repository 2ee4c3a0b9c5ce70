using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>What scorers of a test do, and what was seen of them. The score of x is 2x + 1.</summary>
sealed class ScorerScript
{
    public Func<double, bool> Poison = _ => false;
    public Func<double, bool> Hangs = _ => false;
    public Action WhileHanging = () => { };
    public int MemoryRows = int.MaxValue;
    public bool ThreadSafe = true;
    public Func<double, double> Score = x => 2 * x + 1;
    public Func<IReadOnlyList<IArrowArray>, IReadOnlyList<IArrowArray>> Distort = outputs => outputs;
    public Func<IScorer>? Load;

    public ModelSignature Signature = OneInput;

    public int Calls;
    public int Loaded;
    public int Disposed;
    public int CallsAfterHang;
    public volatile bool MemoryRanOut;
    public int LargestAfterMemoryRanOut;
    public string? Misuse;
    public readonly ManualResetEventSlim Release = new();

    public static readonly ModelSignature OneInput = new([new("x", ModelType.Double)], [new("score", ModelType.Double)]);

    public IScorer New()
    {
        Interlocked.Increment(ref Loaded);
        return Load?.Invoke() ?? new ScorerDouble(this);
    }
}

sealed class ScorerDouble(ScorerScript script) : IScorer
{
    int inside;
    volatile bool hung;
    volatile bool disposed;

    public ModelSignature Signature => script.Signature;

    public bool IsThreadSafe => script.ThreadSafe;

    public IReadOnlyList<IArrowArray> Score(RecordBatch inputs, CancellationToken cancel)
    {
        Interlocked.Increment(ref script.Calls);
        if (disposed) script.Misuse = "called after it was disposed";
        if (hung) Interlocked.Increment(ref script.CallsAfterHang);
        if (Interlocked.Increment(ref inside) > 1 && !script.ThreadSafe) script.Misuse = "called by two threads at once";
        try
        {
            var column = inputs.Column(0);
            if (column.Data.Offset != 0 || column.NullCount != 0) script.Misuse = "given a slice or nulls";
            double[] x = column is FloatArray floats ? [.. floats.Values.ToArray().Select(v => (double)v)] : ((DoubleArray)column).Values.ToArray();
            if (x.Length > script.MemoryRows)
            {
                script.MemoryRanOut = true;
                throw new InsufficientMemoryException("no memory");
            }
            if (script.MemoryRanOut) script.LargestAfterMemoryRanOut = Math.Max(script.LargestAfterMemoryRanOut, x.Length);
            foreach (var value in x)
            {
                if (script.Poison(value)) throw new InvalidOperationException($"can not score {value}");
                if (!script.Hangs(value)) continue;
                hung = true;
                // What has been given up for another scorer does not turn the clock any more: it would use up the time of calls that are good.
                var loaded = Volatile.Read(ref script.Loaded);
                while (!script.Release.Wait(1))
                    if (Volatile.Read(ref script.Loaded) == loaded) script.WhileHanging();
            }
            return script.Distort([Rows.Doubles([.. x.Select(v => (double?)script.Score(v))])]);
        }
        finally
        {
            Interlocked.Decrement(ref inside);
        }
    }

    public void Dispose()
    {
        if (disposed) script.Misuse = "disposed twice";
        disposed = true;
        Interlocked.Increment(ref script.Disposed);
    }
}
