using Apache.Arrow;

namespace BatchMl.Kernel;

/// <summary>One aggregate over the rows present. For each key: <see cref="Reset"/> with the rows that will come, then rows come and go and results are written.</summary>
abstract class Accumulator
{
    public abstract void Reset(ReadOnlySpan<int> rows);
    public abstract void Add(int row);
    public abstract void Remove(int row);
    public abstract void Write(KernelOutput output, int spineRow);

    public static Accumulator For(AggregateSpec aggregate, EventTable events, ValueOrder order, bool tiesAllowed, int[] ranks) => aggregate.Kind switch
    {
        AggregateKind.Count => new CountAccumulator(),
        AggregateKind.CountWhere => new ConditionAccumulator((BooleanArray)events.Values[aggregate.Value], share: false),
        AggregateKind.Share => new ConditionAccumulator((BooleanArray)events.Values[aggregate.Value], share: true),
        AggregateKind.Sum when events.Values[aggregate.Value] is Int64Array integers => new IntegerSumAccumulator(integers, events),
        AggregateKind.Sum or AggregateKind.Mean or AggregateKind.Std => new SumAccumulator(events.Values[aggregate.Value], aggregate.Kind),
        AggregateKind.First or AggregateKind.Last => new EdgeAccumulator(events, aggregate.Value, order, tiesAllowed, aggregate.Kind == AggregateKind.Last, ranks),
        _ => new RankAccumulator(events.Values[aggregate.Value], aggregate, ranks),
    };
}

sealed class CountAccumulator : Accumulator
{
    long count;

    public override void Reset(ReadOnlySpan<int> rows) => count = 0;
    public override void Add(int row) => count++;
    public override void Remove(int row) => count--;
    public override void Write(KernelOutput output, int spineRow) => output.Set(spineRow, count);
}

sealed class ConditionAccumulator(BooleanArray conditions, bool share) : Accumulator
{
    long met, known;

    public override void Reset(ReadOnlySpan<int> rows) => (met, known) = (0, 0);
    public override void Add(int row) => Count(row, 1);
    public override void Remove(int row) => Count(row, -1);

    void Count(int row, int sign)
    {
        if (conditions.GetValue(row) is not { } value) return;
        known += sign;
        if (value) met += sign;
    }

    public override void Write(KernelOutput output, int spineRow)
    {
        if (!share) output.Set(spineRow, met);
        else if (known > 0) output.Set(spineRow, (double)met / known);
    }
}

sealed class IntegerSumAccumulator(Int64Array values, EventTable events) : Accumulator
{
    Int128 sum;
    long count;
    int lastRow;

    public override void Reset(ReadOnlySpan<int> rows) => (sum, count) = (0, 0);
    public override void Add(int row) => Count(row, 1);
    public override void Remove(int row) => Count(row, -1);

    void Count(int row, int sign)
    {
        if (values.IsNull(row)) return;
        count += sign;
        sum += sign * (Int128)values.Values[row];
        lastRow = row;
    }

    public override void Write(KernelOutput output, int spineRow)
    {
        if (count == 0) return;
        if (sum > long.MaxValue || sum < long.MinValue)
        {
            throw new DataException($"A window's integer sum is {sum}, beyond 64 bits (last row: {Rows.Describe(events, lastRow)}). Sum a floating-point value instead, e.g. w.Sum(x => (double)x.Value).");
        }
        output.Set(spineRow, (long)sum);
    }
}

/// <summary>Sum of doubles; mean and standard deviation of doubles or integers.</summary>
sealed class SumAccumulator(IArrowArray values, AggregateKind kind) : Accumulator
{
    readonly DoubleArray? doubles = values as DoubleArray;
    readonly Int64Array? integers = values as Int64Array;
    readonly ExactSum sum = new(), squares = new();
    long count;

    public override void Reset(ReadOnlySpan<int> rows)
    {
        sum.Clear();
        squares.Clear();
        count = 0;
    }

    public override void Add(int row)
    {
        if (values.IsNull(row)) return;
        count++;
        if (doubles is not null) sum.Add(doubles.Values[row]);
        else sum.Add(integers!.Values[row]);
        if (kind != AggregateKind.Std) return;
        if (doubles is not null) squares.AddSquare(doubles.Values[row]);
        else squares.AddSquare(integers!.Values[row]);
    }

    public override void Remove(int row)
    {
        if (values.IsNull(row)) return;
        count--;
        if (doubles is not null) sum.Remove(doubles.Values[row]);
        else sum.Remove(integers!.Values[row]);
        if (kind != AggregateKind.Std) return;
        if (doubles is not null) squares.RemoveSquare(doubles.Values[row]);
        else squares.RemoveSquare(integers!.Values[row]);
    }

    public override void Write(KernelOutput output, int spineRow)
    {
        if (kind == AggregateKind.Std)
        {
            if (count > 1) output.Set(spineRow, Math.Sqrt(ExactSum.Variance(sum, squares, count)));
        }
        else if (count > 0)
        {
            output.Set(spineRow, kind == AggregateKind.Mean ? sum.Value / count : sum.Value);
        }
    }
}
