using Apache.Arrow;

namespace BatchMl.Benchmarks.Data;

/// <summary>That both gave the same answer. The peer's rows come in any order, with the spine row's ordinal first.</summary>
static class Answers
{
    /// <param name="ours">Columns in the spine's order.</param>
    /// <param name="peer">Ordinal, then the same columns.</param>
    /// <param name="tolerance">Largest relative difference; 0: the same bits. Other engines do not round sums once.</param>
    public static void AssertSame(IReadOnlyList<IArrowArray> ours, IReadOnlyList<RecordBatch> peer, double tolerance)
    {
        long rows = 0;
        foreach (var batch in peer)
        {
            var ordinals = ((Int64Array)batch.Column(0)).Values;
            for (var c = 0; c < ours.Count; c++)
            {
                for (var i = 0; i < batch.Length; i++)
                {
                    double? mine = Number(ours[c], (int)ordinals[i]), theirs = Number(batch.Column(c + 1), i);
                    if (mine == theirs || (mine is { } a && theirs is { } b && Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Abs(b)))) continue;
                    throw new InvalidOperationException($"Row {ordinals[i]}, column {c}: ours {mine}, theirs {theirs}.");
                }
            }
            rows += batch.Length;
        }
        if (rows != ours[0].Length) throw new InvalidOperationException($"{ours[0].Length} rows, theirs {rows}.");
    }

    static double? Number(IArrowArray array, int row) => array switch
    {
        DoubleArray d => d.GetValue(row),
        Int64Array i => i.GetValue(row),
        _ => throw new InvalidOperationException($"{array.Data.DataType.Name} is not compared."),
    };
}
