namespace BatchMl.Kernel;

/// <summary>Sum and mean: exact, rounded once; a sum of integers stays one.</summary>
sealed class SumAccumulator(NumberColumn column, bool isMean, EventTable events, KernelOutput output) : Accumulator(output)
{
    readonly ExactSum exact = new();

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        column.Ensure(frame);
        switch (column.Width)
        {
            case SumWidth.Long: RunLong(moves, place); break;
            case SumWidth.Wide: RunWide(frame, moves, place); break;
            default: RunExact(moves, place); break;
        }
    }

    void RunLong(WindowMoves moves, int place)
    {
        var (scaled, known, added, removed) = (column.Scaled, column.Known, moves.Added, moves.Removed);
        var unit = column.Unit;
        long sum = 0, count = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                sum += scaled[added[a]];
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                sum -= scaled[removed[r]];
                count -= known[removed[r]];
            }
            if (count == 0) continue;
            // The conversion rounds to nearest even; what follows is exact.
            if (isMean) Output.Set(place + s, sum * unit / count);
            else if (column.IsInteger) Output.Set(place + s, sum);
            else Output.Set(place + s, sum * unit);
        }
    }

    void RunWide(KeyFrame frame, WindowMoves moves, int place)
    {
        var (wide, known, added, removed) = (column.Wide, column.Known, moves.Added, moves.Removed);
        Int128 sum = 0;
        long count = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                sum += wide[added[a]];
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                sum -= wide[removed[r]];
                count -= known[removed[r]];
            }
            if (count == 0) continue;
            if (isMean) Output.Set(place + s, Rounding.Nearest(sum, column.Exponent) / count);
            else if (!column.IsInteger) Output.Set(place + s, Rounding.Nearest(sum, column.Exponent));
            else if (sum < long.MinValue || sum > long.MaxValue) throw KernelErrors.IntegerSum(events, sum, frame.Rows[added[a - 1]]);
            else Output.Set(place + s, (long)sum);
        }
    }

    void RunExact(WindowMoves moves, int place)
    {
        var (numbers, known, added, removed) = (column.Numbers, column.Known, moves.Added, moves.Removed);
        long count = 0;
        int a = 0, r = 0;
        exact.Clear();
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                exact.Add(numbers[added[a]]);
                count += known[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                exact.Remove(numbers[removed[r]]);
                count -= known[removed[r]];
            }
            if (count > 0) Output.Set(place + s, isMean ? exact.Value / count : exact.Value);
        }
    }
}
