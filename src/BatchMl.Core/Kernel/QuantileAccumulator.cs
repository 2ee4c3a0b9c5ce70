using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>Quantile q: at position (n-1)·q of the ordered values, linear between two of them.</summary>
sealed class QuantileAccumulator(RankColumn column, IArrowArray values, double q, KernelOutput output) : Accumulator(output)
{
    readonly RankCounts present = new();

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
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
            if (present.Count > 0) Output.Set(place + s, Read(rows));
        }
    }

    double Read(ReadOnlySpan<int> rows)
    {
        var position = (present.Count - 1) * q;
        var below = (int)Math.Floor(position);
        var fraction = position - below;
        var lower = Number(rows[column.PositionOf[present.Kth(below)]]);
        if (fraction == 0) return lower;
        var upper = Number(rows[column.PositionOf[present.Kth(below + 1)]]);
        return lower == upper ? lower : lower + fraction * (upper - lower);
    }

    double Number(int row) => values is DoubleArray doubles ? doubles.Values[row] : ((Int64Array)values).Values[row];
}
