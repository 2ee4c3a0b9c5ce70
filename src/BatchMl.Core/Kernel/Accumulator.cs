namespace BatchMl.Kernel;

/// <summary>One aggregate of a window: replays a key's moves and writes a result for each of its spine rows.</summary>
abstract class Accumulator(KernelOutput output)
{
    protected KernelOutput Output { get; } = output;

    /// <param name="frame">The key's events.</param>
    /// <param name="moves">What comes in and goes out.</param>
    /// <param name="place">Place of the key's first spine row in the output; the others follow.</param>
    public abstract void Run(KeyFrame frame, WindowMoves moves, int place);

    public static Accumulator For(AggregateSpec aggregate, EventTable events, AsOfQuery query, FrameColumns columns, KernelOutput output) => aggregate.Kind switch
    {
        AggregateKind.Count => new CountAccumulator(output),
        AggregateKind.CountWhere or AggregateKind.Share => new ConditionAccumulator(columns.Flags(aggregate.Value), aggregate.Kind, output),
        AggregateKind.Sum or AggregateKind.Mean => new SumAccumulator(columns.Numbers(aggregate.Value), aggregate.Kind == AggregateKind.Mean, events, output),
        AggregateKind.Std => new DeviationAccumulator(columns.Numbers(aggregate.Value), output),
        AggregateKind.Min or AggregateKind.Max => new ExtremeAccumulator(columns.Ranks(aggregate.Value), aggregate.Kind == AggregateKind.Max, output),
        AggregateKind.First or AggregateKind.Last => new EdgeAccumulator(events, aggregate.Value, query.TiesAllowed, aggregate.Kind == AggregateKind.Last, output),
        AggregateKind.DistinctCount => new DistinctAccumulator(columns.Ranks(aggregate.Value), output),
        AggregateKind.Quantile => new QuantileAccumulator(columns.Ranks(aggregate.Value), events.Values[aggregate.Value], aggregate.Parameter, output),
        _ => throw new ArgumentOutOfRangeException(nameof(aggregate), aggregate.Kind, null),
    };
}

/// <summary>Count.</summary>
sealed class CountAccumulator(KernelOutput output) : Accumulator(output)
{
    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        var results = Output.Integers;
        for (var s = 0; s < moves.Reads; s++) results[place + s] = moves.AddedUpTo[s] - moves.RemovedUpTo[s];
    }
}

/// <summary>CountWhere and Share.</summary>
sealed class ConditionAccumulator(FlagColumn column, AggregateKind kind, KernelOutput output) : Accumulator(output)
{
    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        column.Ensure(frame);
        var (isMet, isKnown) = (column.Met, column.Known);
        var (added, removed) = (moves.Added, moves.Removed);
        long met = 0, known = 0;
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++)
            {
                met += isMet[added[a]];
                known += isKnown[added[a]];
            }
            for (var to = moves.RemovedUpTo[s]; r < to; r++)
            {
                met -= isMet[removed[r]];
                known -= isKnown[removed[r]];
            }
            if (kind == AggregateKind.CountWhere) Output.Integers[place + s] = met;
            else if (known > 0) Output.Set(place + s, (double)met / known);
        }
    }
}
