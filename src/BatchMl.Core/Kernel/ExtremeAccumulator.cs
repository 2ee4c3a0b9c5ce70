namespace BatchMl.Kernel;

/// <summary>
/// Min and Max. Where rows go out in the order in which they came in, a queue of candidates does, each better than all behind it; otherwise (lags that differ per row, retractions) an ordered set.
/// </summary>
sealed class ExtremeAccumulator(RankColumn column, bool isMax, KernelOutput output) : Accumulator(output)
{
    readonly RankSet present = new();
    int[] queue = [];

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        if (moves.FirstInFirstOut) RunQueue(frame, moves, place);
        else RunSet(frame, moves, place);
    }

    void RunQueue(KeyFrame frame, WindowMoves moves, int place)
    {
        column.Ensure(frame);
        if (queue.Length < frame.Count) queue = new int[Math.Max(frame.Count, queue.Length * 2)];
        var codes = column.Codes;
        var added = moves.Added;
        var rows = frame.Rows;
        // The queue holds indices into `added`: which is also the order of removal.
        int head = 0, tail = 0, a = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                if (column.IsNull(added[a])) continue;
                var code = codes[added[a]];
                while (tail > head && (isMax ? codes[added[queue[tail - 1]]] <= code : codes[added[queue[tail - 1]]] >= code)) tail--;
                queue[tail++] = a;
            }
            var removed = moves.RemovedUpTo[s];
            while (head < tail && queue[head] < removed) head++;
            if (head < tail) Output.Rows[place + s] = rows[added[queue[head]]];
        }
    }

    void RunSet(KeyFrame frame, WindowMoves moves, int place)
    {
        column.EnsureRanks(frame);
        var ranks = column.RankOf;
        var added = moves.Added;
        var removed = moves.Removed;
        var rows = frame.Rows;
        present.Reset(column.Ranks);
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
                if (ranks[added[a]] >= 0) present.Add(ranks[added[a]]);
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
                if (ranks[removed[r]] >= 0) present.Remove(ranks[removed[r]]);
            if (!present.IsEmpty) Output.Rows[place + s] = rows[column.PositionOf[isMax ? present.Max : present.Min]];
        }
    }
}
