using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>
/// A multiset of small ranks with the k-th least in logarithmic time: a Fenwick tree of counts. One is used for many keys in turn; <see cref="Reset"/> makes it empty for the next.
/// </summary>
sealed class OrderedBag
{
    int[] tree = [];
    int[] counts = [];
    int size, top;

    /// <summary>Members, each as often as it was added.</summary>
    public int Count { get; private set; }

    /// <summary>Different members.</summary>
    public int Distinct { get; private set; }

    /// <summary>Empty, for ranks 0 to <paramref name="ranks"/> - 1.</summary>
    public void Reset(int ranks)
    {
        if (tree.Length <= ranks)
        {
            tree = new int[ranks + 1];
            counts = new int[ranks + 1];
        }
        else
        {
            tree.AsSpan(0, ranks + 1).Clear();
            counts.AsSpan(0, ranks + 1).Clear();
        }
        (size, Count, Distinct) = (ranks, 0, 0);
        top = ranks == 0 ? 0 : 1 << BitOperations.Log2((uint)ranks);
    }

    public int CountOf(int rank) => counts[rank];

    public void Add(int rank)
    {
        Count++;
        if (counts[rank]++ == 0) Distinct++;
        for (var i = rank + 1; i <= size; i += i & -i) tree[i]++;
    }

    public void Remove(int rank)
    {
        Count--;
        if (--counts[rank] == 0) Distinct--;
        for (var i = rank + 1; i <= size; i += i & -i) tree[i]--;
    }

    /// <summary>The k-th least member, 0-based; k is less than <see cref="Count"/>.</summary>
    public int Kth(int k)
    {
        var position = 0;
        for (var step = top; step > 0; step >>= 1)
        {
            var next = position + step;
            if (next <= size && tree[next] <= k)
            {
                position = next;
                k -= tree[next];
            }
        }
        return position;
    }
}
