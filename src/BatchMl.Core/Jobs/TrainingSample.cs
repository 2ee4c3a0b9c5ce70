using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Training;

namespace BatchMl.Jobs;

/// <summary>Keeps of a training set's rows those that its <see cref="Sampling"/> says, and adds their weights.</summary>
sealed class TrainingSample(Sampling sampling, FeatureQuery query, Schema schema, SpillFactory spill)
{
    // What tells rows apart; nothing that is computed is in it, so that a new feature leaves the choice as it was.
    readonly string[] identity = [.. query.Columns.Where(c => c.Role is ColumnRole.Spine or ColumnRole.AsOf).Select(c => c.Name)];

    /// <summary>Training rows that there were before.</summary>
    public long Of { get; private set; }

    /// <summary>The rows that are kept, in their order.</summary>
    public IAsyncEnumerable<RecordBatch> KeepAsync(IAsyncEnumerable<RecordBatch> rows, CancellationToken cancel) =>
        sampling is PerGroupSampling groups ? PerGroupAsync(groups, rows, cancel) : ByRowAsync(rows, cancel);

    async IAsyncEnumerable<RecordBatch> ByRowAsync(IAsyncEnumerable<RecordBatch> rows, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var batch in rows.WithCancellation(cancel))
        {
            var (isTraining, shares) = (Training(batch), Shares(batch));
            var chances = HashesOf(batch, sampling is HashSampling ? sampling.Columns : identity);
            // The upper 53 bits are a number in [0, 1).
            yield return Weighted(batch, i => !isTraining[i] ? 1 : (chances[i] >> 11) * (1.0 / (1L << 53)) < shares[i] ? 1 / shares[i] : 0);
        }
    }

    double[] Shares(RecordBatch batch)
    {
        var shares = new double[batch.Length];
        if (sampling is HashSampling hash)
        {
            System.Array.Fill(shares, hash.Share);
            return shares;
        }
        var labels = LabelValues.Of(batch.Column(query.Label!.Name)).Values;
        for (var i = 0; i < shares.Length; i++)
        {
            shares[i] = 1;
            foreach (var (label, share) in ((PerClassSampling)sampling).Shares)
            {
                if (labels[i].Equals(label)) shares[i] = share;
            }
        }
        return shares;
    }

    /// <summary>
    /// Of each group the rows with the smallest numbers, which is a draw without replacement. Which these are is known when all rows are, but a row with a larger number than enough others before it is none: what is left, some
    /// k (1 + ln(n / k)) of a group's n rows, is put aside meanwhile.
    /// </summary>
    async IAsyncEnumerable<RecordBatch> PerGroupAsync(PerGroupSampling sampling, IAsyncEnumerable<RecordBatch> rows, [EnumeratorCancellation] CancellationToken cancel)
    {
        // Groups are told apart by 64 bits: two of a million fall together once in forty million draws, and are then one group.
        var groups = new Dictionary<ulong, Group>();
        using var aside = spill(schemaOfRows(), 1);
        await foreach (var batch in rows.WithCancellation(cancel))
        {
            var (isTraining, group, chances) = (Training(batch), HashesOf(batch, sampling.Columns), HashesOf(batch, identity));
            int[] candidates = [.. Enumerable.Range(0, batch.Length).Where(i => !isTraining[i] || GroupOf(group[i]).Offer(chances[i], sampling.Rows))];
            aside.Add(Taken(batch, candidates), new int[candidates.Length]);
        }
        await foreach (var batch in aside.ReadBucketAsync(0, cancel))
        {
            using (batch)
            {
                var (isTraining, group, chances) = (Training(batch, isCounted: false), HashesOf(batch, sampling.Columns), HashesOf(batch, identity));
                yield return Weighted(batch, i => !isTraining[i] ? 1 : groups[group[i]].Weight(chances[i]));
            }
        }

        Group GroupOf(ulong key) => CollectionsMarshal.GetValueRefOrAddDefault(groups, key, out _) ??= new Group();
        // Without the weight, which is added at the end.
        Schema schemaOfRows() => new([.. schema.FieldsList.Where(f => f.Name != Sampling.WeightColumn)], null);
    }

    /// <summary>The smallest numbers of a group's rows.</summary>
    sealed class Group
    {
        // The largest comes out first.
        readonly PriorityQueue<ulong, ulong> smallest = new(Comparer<ulong>.Create((a, b) => b.CompareTo(a)));
        long rows;
        int taken, kept = -1, ties;
        ulong last;

        /// <summary>Whether a row may be among those that are kept.</summary>
        public bool Offer(ulong chance, int most)
        {
            rows++;
            if (smallest.Count < most) smallest.Enqueue(chance, chance);
            else if (chance < smallest.Peek()) smallest.EnqueueDequeue(chance, chance);
            // Equal numbers are equal rows, and any of them will do.
            else return false;
            return true;
        }

        /// <summary>The weight of a row that was offered, when all were: 0 if it is not kept.</summary>
        public double Weight(ulong chance)
        {
            if (kept < 0)
            {
                (kept, last) = (smallest.Count, smallest.Peek());
                ties = smallest.UnorderedItems.Count(i => i.Element == last);
                smallest.Clear();
            }
            if (chance > last || chance == last && taken++ >= ties) return 0;
            return (double)rows / kept;
        }
    }

    bool[] Training(RecordBatch batch, bool isCounted = true)
    {
        var split = (StringArray)batch.Column(TrainingSetJob.SplitColumn);
        var isTraining = new bool[batch.Length];
        for (var i = 0; i < isTraining.Length; i++) isTraining[i] = split.GetBytes(i).SequenceEqual("train"u8);
        if (isCounted) Of += isTraining.AsSpan().Count(true);
        return isTraining;
    }

    ulong[] HashesOf(RecordBatch batch, IReadOnlyList<string> columns)
    {
        var hashes = EventKeys.HashesOf([.. columns.Select(c => Columns.Normalize(batch.Column(c)))], batch.Length);
        for (var i = 0; i < hashes.Length; i++) hashes[i] = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in hashes[i])), sampling.Seed);
        return hashes;
    }

    RecordBatch Weighted(RecordBatch batch, Func<int, double> weightOf)
    {
        var (kept, weights) = (new List<int>(batch.Length), new List<double>(batch.Length));
        for (var i = 0; i < batch.Length; i++)
        {
            if (weightOf(i) is var weight and > 0)
            {
                kept.Add(i);
                weights.Add(weight);
            }
        }
        var column = new DoubleArray(new ArrowBuffer.Builder<double>(kept.Count).Append(CollectionsMarshal.AsSpan(weights)).Build(), ArrowBuffer.Empty, kept.Count, 0, 0);
        return new RecordBatch(schema, [.. Taken(batch, [.. kept]).Arrays, column], kept.Count);
    }

    static RecordBatch Taken(RecordBatch batch, int[] rows) => new(batch.Schema, batch.Arrays.Select(a => Columns.Take(a, rows)), rows.Length);
}
