namespace BatchMl.Kernel;

/// <summary>First and Last: the least or greatest fact in value order, taken whole, its null too.</summary>
sealed class EdgeAccumulator(EventTable events, int value, bool tiesAllowed, bool isLast, KernelOutput output) : Accumulator(output)
{
    readonly RankSet present = new();

    public override void Run(KeyFrame frame, WindowMoves moves, int place)
    {
        var ranks = frame.Ranks;
        var (rankOf, added, removed) = (ranks.RankOf, moves.Added, moves.Removed);
        present.Reset(frame.Count);
        int a = 0, r = 0;
        for (var s = 0; s < moves.Reads; s++)
        {
            for (var to = moves.AddedUpTo[s]; a < to; a++) present.Add(rankOf[added[a]]);
            for (var to = moves.RemovedUpTo[s]; r < to; r++) present.Remove(rankOf[removed[r]]);
            if (!present.IsEmpty) Output.Rows[place + s] = isLast ? Last(frame, ranks) : First(frame, ranks);
        }
    }

    int Last(KeyFrame frame, ValueRanks ranks)
    {
        var rank = present.Max;
        var row = frame.Rows[ranks.PositionOf[rank]];
        if (tiesAllowed) return row;
        for (; ranks.EqualsBelow[rank]; rank--)
            if (present.Contains(rank - 1)) RefuseTie(frame.Rows[ranks.PositionOf[rank - 1]], row);
        return row;
    }

    // Of rows that value order can not tell apart the later one of the table counts, for the first as for the last.
    int First(KeyFrame frame, ValueRanks ranks)
    {
        var rank = present.Min;
        var row = frame.Rows[ranks.PositionOf[rank]];
        for (var r = rank + 1; r < frame.Count && ranks.EqualsBelow[r]; r++)
        {
            if (!present.Contains(r)) continue;
            var other = frame.Rows[ranks.PositionOf[r]];
            if (!tiesAllowed) RefuseTie(row, other);
            row = other;
        }
        return row;
    }

    void RefuseTie(int a, int b)
    {
        if (ValueOrder.CompareValues(events.Values[value], a, b) != 0) throw KernelErrors.Tie(events, a, b);
    }
}
