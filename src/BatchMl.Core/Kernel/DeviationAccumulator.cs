namespace BatchMl.Kernel;

/// <summary>Sample standard deviation from the exact sums of x and x²: the root of <c>(n·Σx² − (Σx)²) / (n·(n−1))</c>, the numerator exact and rounded once.</summary>
sealed class DeviationAccumulator(NumberColumn column, KernelOutput output) : Accumulator(output)
{
    readonly ExactSum sum = new(), squares = new();

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        column.Ensure(frame);
        switch (column.Width)
        {
            case SumWidth.Long: RunLong(moves, place); break;
            case SumWidth.Wide: RunWide(moves, place); break;
            default: RunExact(moves, place); break;
        }
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

    // Every sum is below 2^126 in magnitude, so that n·Σx² and (Σx)² are below 2^252.
    void RunWide(WindowMoves moves, int place)
    {
        var (wide, known, added, removed) = (column.Wide, column.Known, moves.Added, moves.Removed);
        Int128 total = 0;
        var spread = new SquareSum();
        long count = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                total += wide[added[a]];
                spread.Add(wide[added[a]]);
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                total -= wide[removed[r]];
                spread.Remove(wide[removed[r]]);
                count -= known[removed[r]];
            }
            if (count > 1) Output.Set(place + s, Math.Sqrt(spread.Spread(count, total, 2 * column.Exponent) / ((double)count * (count - 1))));
        }
    }

    void RunExact(WindowMoves moves, int place)
    {
        var (numbers, known, added, removed) = (column.Numbers, column.Known, moves.Added, moves.Removed);
        long count = 0;
        int a = 0, r = 0;
        sum.Clear();
        squares.Clear();
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                sum.Add(numbers[added[a]]);
                squares.AddSquare(numbers[added[a]]);
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                sum.Remove(numbers[removed[r]]);
                squares.RemoveSquare(numbers[removed[r]]);
                count -= known[removed[r]];
            }
            if (count > 1) Output.Set(place + s, Math.Sqrt(ExactSum.Variance(sum, squares, count)));
        }
    }
}
