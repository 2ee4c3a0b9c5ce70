using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;
using Xunit;

namespace BatchMl.TestSupport;

/// <summary>What every scorer promises.</summary>
public abstract class ScorerContract
{
    /// <summary>Loads a scorer.</summary>
    protected abstract IScorer Load();

    /// <summary>At least 1,000 rows of its inputs.</summary>
    protected abstract RecordBatch Inputs();

    [Fact]
    public void Outputs_are_those_of_the_signature()
    {
        using var scorer = Load();
        var inputs = Inputs();
        var outputs = scorer.Score(inputs, default);
        Assert.Equal(scorer.Signature.Outputs.Count, outputs.Count);
        Assert.All(outputs, o => Assert.Equal((inputs.Length, 0), (o.Length, o.NullCount)));
        Assert.All(outputs.Zip(scorer.Signature.Outputs), o => Assert.Equal(o.Second.Type, o.First is DoubleArray ? ModelType.Double : ModelType.Float));
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_in_small_batches_in_slices_and_in_large_batches()
    {
        using var scorer = Load();
        var inputs = Inputs();
        var whole = Bits(scorer, inputs);
        foreach (var size in (int[])[1, 2, 3, 5, 8, 16, 31, 97, 512])
        {
            // Slices of arrays: they do not start at offset 0.
            for (var start = 0; start + size <= Math.Min(inputs.Length, 600); start += size)
                Assert.Equal(Rows(whole, start, size), Bits(scorer, inputs.Slice(start, size)));
        }
        var large = Bits(scorer, Take(inputs, [.. Enumerable.Range(0, 9001).Select(i => i * 7 % inputs.Length)]));
        for (var i = 0; i < 9001; i++) Assert.Equal(Rows(whole, i * 7 % inputs.Length, 1), Rows(large, i, 1));
    }

    [Fact]
    public void An_empty_batch_gives_empty_outputs()
    {
        using var scorer = Load();
        Assert.All(scorer.Score(Inputs().Slice(0, 0), default), o => Assert.Equal(0, o.Length));
    }

    [Fact]
    public void Threads_that_share_a_scorer_do_not_disturb_one_another()
    {
        using var scorer = Load();
        if (!scorer.IsThreadSafe) return;
        var inputs = Inputs();
        var whole = Bits(scorer, inputs);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Assert.Equal(Rows(whole, i * 10, 600), Bits(scorer, inputs.Slice(i * 10, 600))));
    }

    [Fact]
    public void A_cancelled_batch_is_not_scored()
    {
        using var scorer = Load();
        Assert.ThrowsAny<OperationCanceledException>(() => scorer.Score(Inputs(), new CancellationToken(canceled: true)));
    }

    [Fact]
    public void A_scorer_can_be_loaded_and_disposed_many_times()
    {
        var inputs = Inputs().Slice(0, 10);
        for (var i = 0; i < 20; i++)
        {
            using var scorer = Load();
            scorer.Score(inputs, default);
        }
    }

    static long[][] Bits(IScorer scorer, RecordBatch inputs) =>
        [.. scorer.Score(inputs, default).Select(o => ((DoubleArray)Columns.Normalize(o)).Values.ToArray().Select(BitConverter.DoubleToInt64Bits).ToArray())];

    static long[][] Rows(long[][] bits, int start, int count) => [.. bits.Select(b => b.AsSpan(start, count).ToArray())];

    static RecordBatch Take(RecordBatch batch, int[] rows) => new(batch.Schema, batch.Arrays.Select(a => Columns.Take(a, rows)), rows.Length);
}
