namespace BatchMl.Scoring;

/// <summary>The largest batch that fits the scorer's memory, as learnt from those that did not. Shared by the workers.</summary>
sealed class BatchLimit(int rows)
{
    int rows = rows;

    internal int Rows => Volatile.Read(ref rows);

    /// <summary>A batch of this many rows did not fit.</summary>
    internal void Halve(int tooMany)
    {
        var half = Math.Max(1, tooMany / 2);
        for (var seen = Rows; half < seen; seen = Rows)
            if (Interlocked.CompareExchange(ref rows, half, seen) == seen) return;
    }
}
