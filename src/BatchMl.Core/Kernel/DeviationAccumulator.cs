namespace BatchMl.Kernel;

/// <summary>Sample standard deviation from the exact sums of x and x²: the root of <c>(n·Σx² − (Σx)²) / (n·(n−1))</c>, the numerator exact and rounded once.</summary>
sealed class DeviationAccumulator(NumberColumn column, KernelOutput output) : Accumulator(output)
{
    readonly ExactSum sum = new(), squares = new();

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        column.Ensure(frame);
        if (column.Width == SumWidth.Long) RunLong(moves, place);
        else RunExact(moves, place);
    }

    // Every sum is below 2^62 in magnitude, so that n·Σx² and (Σx)² are below 2^124.
    void RunLong(WindowMoves moves, int place)
    {
        var (scaled, known, added, removed) = (column.Scaled, column.Known, moves.Added, moves.Removed);
        long sum = 0, count = 0;
        Int128 squares = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                var x = scaled[added[a]];
                sum += x;
                squares += Math.BigMul(x, x);
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                var x = scaled[removed[r]];
                sum -= x;
                squares -= Math.BigMul(x, x);
                count -= known[removed[r]];
            }
            if (count > 1) Output.Set(place + s, Math.Sqrt(Rounding.Nearest(count * squares - Math.BigMul(sum, sum), 2 * column.Exponent) / ((double)count * (count - 1))));
        }
    }

    void RunExact(WindowMoves moves, int place)
    {
        var (known, added, removed) = (column.Known, moves.Added, moves.Removed);
        long count = 0;
        int a = 0, r = 0;
        sum.Clear();
        squares.Clear();
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                Count(added[a], 1);
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                Count(removed[r], -1);
                count -= known[removed[r]];
            }
            if (count > 1) Output.Set(place + s, Math.Sqrt(ExactSum.Variance(sum, squares, count)));
        }
    }

    void Count(int position, int sign)
    {
        if (column.IsInteger)
        {
            sum.Count(column.Scaled[position], sign);
            squares.CountSquare(column.Scaled[position], sign);
        }
        else
        {
            sum.Count(column.Numbers[position], sign);
            squares.CountSquare(column.Numbers[position], sign);
        }
    }
}
