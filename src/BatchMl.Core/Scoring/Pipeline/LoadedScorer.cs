namespace BatchMl.Scoring;

/// <summary>A scorer with those who use it: the last one to let go disposes it, so a call that was left behind never sees a disposed scorer.</summary>
sealed class LoadedScorer(IScorer scorer)
{
    int users = 1;

    internal IScorer Scorer => scorer;

    /// <summary>A call of it never returned in time: it is not called again.</summary>
    internal bool IsRetired { get; set; }

    internal LoadedScorer Share()
    {
        Interlocked.Increment(ref users);
        return this;
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref users) == 0) scorer.Dispose();
    }
}
