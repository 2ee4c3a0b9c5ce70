namespace BatchMl.Kernel;

/// <summary>
/// What one sweep found for a window: for each spine row of the key, in order of time, which positions come in and which go out before it is read. Every aggregate of the window replays it in a
/// loop of its own. A position comes in at most once and goes out at most once.
/// </summary>
sealed class WindowMoves
{
    public int[] Added { get; private set; } = [];

    /// <summary>How many of <see cref="Added"/> have come in once a spine row is read.</summary>
    public int[] AddedUpTo { get; private set; } = [];

    public int[] Removed { get; private set; } = [];

    /// <summary>How many of <see cref="Removed"/> have gone out once a spine row is read.</summary>
    public int[] RemovedUpTo { get; private set; } = [];

    /// <summary>Number of spine rows.</summary>
    public int Reads { get; private set; }

    /// <summary>Whether rows go out in the order in which they came in.</summary>
    public bool FirstInFirstOut { get; set; }

    public void Reset(int positions, int reads)
    {
        if (Added.Length < positions) (Added, Removed) = (new int[Math.Max(positions, Added.Length * 2)], new int[Math.Max(positions, Added.Length * 2)]);
        if (AddedUpTo.Length < reads) (AddedUpTo, RemovedUpTo) = (new int[Math.Max(reads, AddedUpTo.Length * 2)], new int[Math.Max(reads, AddedUpTo.Length * 2)]);
        Reads = reads;
        FirstInFirstOut = true;
    }
}
