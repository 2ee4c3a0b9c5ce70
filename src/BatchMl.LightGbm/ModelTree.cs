using System.Globalization;

namespace BatchMl.LightGbm;

/// <summary>Checks one tree of a text model: its lists are complete, its indices in range, its nodes a tree.</summary>
static class ModelTree
{
    static readonly HashSet<string> keys =
    [
        "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child", "leaf_value", "leaf_weight", "leaf_count",
        "internal_value", "internal_weight", "internal_count", "cat_boundaries", "cat_threshold", "is_linear", "shrinkage",
    ];

    /// <summary>Throws a <see cref="FormatException"/> that says what is wrong.</summary>
    public static void Check(ReadOnlySpan<char> text, int number, int features)
    {
        var title = $"Tree={number.ToString(CultureInfo.InvariantCulture)}\n";
        if (!text.StartsWith(title, StringComparison.Ordinal)) throw new FormatException("it is not where tree_sizes says");
        var tree = ModelText.Lines(text[title.Length..], keys);
        var leaves = Integers(tree.GetValueOrDefault("num_leaves"), "num_leaves", 1)[0];
        var categories = Integers(tree.GetValueOrDefault("num_cat"), "num_cat", 1)[0];
        if (leaves < 1 || categories < 0) throw new FormatException($"it has {leaves} leaves and {categories} categorical splits");
        if (tree.GetValueOrDefault("is_linear", "0") != "0") throw new FormatException("linear trees (linear_tree=true) are not supported");
        Numbers(tree.GetValueOrDefault("leaf_value"), "leaf_value", leaves);
        if (tree.TryGetValue("shrinkage", out var shrinkage)) Numbers(shrinkage, "shrinkage", 1);
        if (leaves == 1) return;
        foreach (var (key, count) in (ReadOnlySpan<(string, int)>)[("leaf_weight", leaves), ("leaf_count", leaves), ("split_gain", leaves - 1), ("internal_value", leaves - 1), ("internal_weight", leaves - 1), ("internal_count", leaves - 1)])
            if (tree.TryGetValue(key, out var list)) Numbers(list, key, count);

        var split = Integers(tree.GetValueOrDefault("split_feature"), "split_feature", leaves - 1);
        if (split.Any(f => f < 0 || f >= features)) throw new FormatException($"split_feature names a feature beyond the {features} there are");
        var left = Integers(tree.GetValueOrDefault("left_child"), "left_child", leaves - 1);
        var right = Integers(tree.GetValueOrDefault("right_child"), "right_child", leaves - 1);
        if (!IsTree(left, right, leaves)) throw new FormatException("left_child and right_child do not form a tree");
        CheckDecisions(tree, categories, leaves - 1);
    }

    // Bits of a decision: 1 categorical, 2 missing goes left, 4 and 8 what counts as missing (0 nothing, 1 zero, 2 NaN).
    static void CheckDecisions(Dictionary<string, string> tree, int categories, int splits)
    {
        var thresholds = Numbers(tree.GetValueOrDefault("threshold"), "threshold", splits);
        var decisions = Integers(tree.GetValueOrDefault("decision_type"), "decision_type", splits);
        if (decisions.Any(d => d is < 0 or > 11)) throw new FormatException("decision_type has a number that is no decision");
        for (var i = 0; i < splits; i++)
        {
            if ((decisions[i] & 1) != 0 && !(thresholds[i] >= 0 && thresholds[i] < categories && thresholds[i] == Math.Floor(thresholds[i])))
                throw new FormatException($"categorical split {i} names set {thresholds[i].ToString(CultureInfo.InvariantCulture)} of {categories}");
        }
        if (categories == 0) return;
        var bounds = Integers(tree.GetValueOrDefault("cat_boundaries"), "cat_boundaries", categories + 1);
        var sets = Numbers(tree.GetValueOrDefault("cat_threshold"), "cat_threshold", bounds[^1]);
        if (bounds[0] != 0 || bounds.Zip(bounds.Skip(1)).Any(b => b.Second < b.First)) throw new FormatException("cat_boundaries do not ascend from 0");
        if (sets.Any(s => s is < 0 or > uint.MaxValue || s != Math.Floor(s))) throw new FormatException("cat_threshold holds something else than 32-bit words");
    }

    // Each node and leaf is reached exactly once from the root: no cycle, nothing out of range.
    static bool IsTree(int[] left, int[] right, int leaves)
    {
        var (nodes, ends) = (new bool[leaves - 1], new bool[leaves]);
        var stack = new Stack<int>([0]);
        while (stack.TryPop(out var child))
        {
            // A leaf is written as its complement.
            var (seen, index) = child >= 0 ? (nodes, child) : (ends, ~child);
            if (index >= seen.Length || seen[index]) return false;
            seen[index] = true;
            if (child < 0) continue;
            stack.Push(left[child]);
            stack.Push(right[child]);
        }
        return !nodes.Contains(false) && !ends.Contains(false);
    }

    /// <summary>A list of integers, of a length unless that is -1.</summary>
    public static int[] Integers(string? text, string key, int length = -1) =>
        Parse<int>(text, key, length, (part, out value) => int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));

    static double[] Numbers(string? text, string key, int length) => Parse<double>(text, key, length, TryNumber);

    static bool TryNumber(ReadOnlySpan<char> part, out double value)
    {
        // As C++ writes them, which .NET does not read.
        value = part is "inf" ? double.PositiveInfinity : double.NegativeInfinity;
        return part is "inf" or "-inf"
            || double.TryParse(part, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value) && !double.IsNaN(value);
    }

    delegate bool TryParse<T>(ReadOnlySpan<char> part, out T value);

    static T[] Parse<T>(string? text, string key, int length, TryParse<T> tryParse)
    {
        if (text is null) throw new FormatException($"{key} is missing");
        var values = new List<T>();
        foreach (var range in text.AsSpan().Split(' '))
        {
            var part = text.AsSpan(range);
            if (part.Length == 0) continue;
            if (!tryParse(part, out var value)) throw new FormatException($"{key} has '{(part.Length > 40 ? part[..40] : part)}' where a number should be");
            values.Add(value);
        }
        return length < 0 || values.Count == length ? [.. values] : throw new FormatException($"{key} has {values.Count} numbers; expected {length}");
    }
}
