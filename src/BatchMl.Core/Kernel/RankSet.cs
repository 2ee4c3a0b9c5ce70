using System.Numerics;

namespace BatchMl.Kernel;

/// <summary>
/// A set of ranks with its least and greatest member at hand: bits in words, and above them bits that say which words are not empty, level by level. Four levels do for 16 million ranks, so that each
/// operation touches a few words. Reused from key to key.
/// </summary>
sealed class RankSet
{
    readonly List<ulong[]> levels = [];
    int depth;

    /// <summary>Empty, for ranks below <paramref name="ranks"/>.</summary>
    public void Reset(int ranks)
    {
        depth = 0;
        var words = ranks;
        do
        {
            words = Math.Max(1, (words + 63) >> 6);
            if (depth == levels.Count) levels.Add(new ulong[words]);
            else if (levels[depth].Length < words) levels[depth] = new ulong[Math.Max(words, levels[depth].Length * 2)];
            else levels[depth].AsSpan(0, words).Clear();
            depth++;
        }
        while (words > 1);
    }

    public bool IsEmpty => levels[depth - 1][0] == 0;

    public bool Contains(int rank) => (levels[0][rank >> 6] >> rank & 1) != 0;

    public void Add(int rank)
    {
        for (var level = 0; level < depth; level++)
        {
            ref var word = ref levels[level][rank >> 6];
            var was = word;
            word |= 1UL << rank;
            if (was != 0) return;
            rank >>= 6;
        }
    }

    public void Remove(int rank)
    {
        for (var level = 0; level < depth; level++)
        {
            ref var word = ref levels[level][rank >> 6];
            word &= ~(1UL << rank);
            if (word != 0) return;
            rank >>= 6;
        }
    }

    /// <summary>The least member of a set that is not empty.</summary>
    public int Min
    {
        get
        {
            var at = 0;
            for (var level = depth - 1; level >= 0; level--) at = (at << 6) | BitOperations.TrailingZeroCount(levels[level][at]);
            return at;
        }
    }

    /// <summary>The greatest member of a set that is not empty.</summary>
    public int Max
    {
        get
        {
            var at = 0;
            for (var level = depth - 1; level >= 0; level--) at = (at << 6) | (63 - BitOperations.LeadingZeroCount(levels[level][at]));
            return at;
        }
    }
}
