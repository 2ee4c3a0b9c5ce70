using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>A set of ranks with its k-th least member in logarithmic time: a binary indexed tree (Fenwick, 1994). Reused from key to key.</summary>
sealed class RankCounts
{
    int[] tree = [];
    int size, top;

    public int Count { get; private set; }

    /// <summary>Empty, for ranks below <paramref name="ranks"/>.</summary>
    public void Reset(int ranks)
    {
        if (tree.Length <= ranks) tree = new int[Math.Max(ranks + 1, tree.Length * 2)];
        else tree.AsSpan(0, ranks + 1).Clear();
        (size, Count) = (ranks, 0);
        top = ranks == 0 ? 0 : 1 << BitOperations.Log2((uint)ranks);
    }

    public void Add(int rank)
    {
        Count++;
        for (var i = rank + 1; i <= size; i += i & -i) tree[i]++;
    }

    public void Remove(int rank)
    {
        Count--;
        for (var i = rank + 1; i <= size; i += i & -i) tree[i]--;
    }

    /// <summary>The k-th least member, 0-based; k is less than <see cref="Count"/>.</summary>
    public int Kth(int k)
    {
        var position = 0;
        for (var step = top; step > 0; step >>= 1)
        {
            var next = position + step;
            if (next > size || tree[next] > k) continue;
            position = next;
            k -= tree[next];
        }
        return position;
    }
}
