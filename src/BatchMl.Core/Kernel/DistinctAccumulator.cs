namespace BatchMl.Kernel;

/// <summary>DistinctCount: how many of a key's different values have a row in the window.</summary>
sealed class DistinctAccumulator(RankColumn column, KernelOutput output) : Accumulator(output)
{
    int[] counts = [];

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        column.EnsureGroups(frame);
        var (groups, added, removed) = (column.GroupOf, moves.Added, moves.Removed);
        if (counts.Length < column.Groups) counts = new int[Math.Max(column.Groups, counts.Length * 2)];
        else counts.AsSpan(0, column.Groups).Clear();
        long distinct = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
                if (groups[added[a]] is >= 0 and var group && counts[group]++ == 0) distinct++;
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
                if (groups[removed[r]] is >= 0 and var group && --counts[group] == 0) distinct--;
            Output.Integers[place + s] = distinct;
        }
    }
}
