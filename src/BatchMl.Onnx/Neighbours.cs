using Apache.Arrow;
using BatchMl.Scoring;

namespace BatchMl.Onnx;

/// <summary>
/// Whether a row's score depends on the rows beside it. Dynamic quantisation says so by its operators' names; what else does (batch normalisation left in training mode, a reduction over the wrong axis) shows
/// when made-up rows are scored together and alone. Rows that a model can not score show nothing.
/// </summary>
static class Neighbours
{
    const int Rows = 48;

    public static bool Matter(OnnxSession session, ModelSignature signature)
    {
        if (session.Graph.Mixing.Count > 0) return true;
        var random = new Random(1);
        IArrowArray[] columns = [.. signature.Inputs.Select(i => MadeUp(i.Type, random))];
        var rows = new RecordBatch(new Schema(signature.Inputs.Zip(columns, (i, c) => new Field(i.Name, c.Data.DataType, false)), null), columns, Rows);
        // Not disposed: the session stays the caller's.
        var scorer = new OnnxScorer(session, signature);
        try
        {
            var together = Bits(scorer, rows);
            return Enumerable.Range(0, Rows).Any(i => Bits(scorer, rows.Slice(i, 1))[0] != together[i]);
        }
        catch (BatchMlException)
        {
            return false;
        }
    }

    static long[] Bits(OnnxScorer scorer, RecordBatch rows) => [.. ((DoubleArray)scorer.Score(rows, default)[0]).Values.ToArray().Select(BitConverter.DoubleToInt64Bits)];

    static IArrowArray MadeUp(ModelType type, Random random)
    {
        var numbers = Enumerable.Range(0, Rows).Select(_ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(3))).ToArray();
        return type switch
        {
            ModelType.Float => new FloatArray.Builder().AppendRange(numbers.Select(n => (float)n)).Build(),
            ModelType.Double => new DoubleArray.Builder().AppendRange(numbers).Build(),
            // Small, since they may be indices.
            ModelType.Int64 => new Int64Array.Builder().AppendRange(numbers.Select(n => n < 0 ? 0L : 1L)).Build(),
            _ => new StringArray.Builder().AppendRange(numbers.Select(n => n < 0 ? "a" : "b")).Build(),
        };
    }
}
