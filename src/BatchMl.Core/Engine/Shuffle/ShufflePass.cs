namespace BatchMl.Engine.Shuffle;

/// <summary>Views of one entity key: they are joined together.</summary>
/// <param name="Number">Its place among the passes.</param>
/// <param name="KeyColumns">Columns of the query that hold the key.</param>
/// <param name="Views">Numbers of the views.</param>
sealed record ShufflePass(int Number, IReadOnlyList<string> KeyColumns, List<int> Views)
{
    /// <summary>
    /// As few passes as keys: a view goes with the first one that has its key. If the key is itself a feature, that was made in a pass before, where the first view of this key came after.
    /// A label in the future is asked at another time than features are, and comes last, on its own.
    /// </summary>
    public static List<ShufflePass> Of(FeatureQuery query, IReadOnlyList<ViewComputation> computations)
    {
        var passes = new List<ShufflePass>();
        for (var view = 0; view < computations.Count; view++)
        {
            var keys = computations[view].SpineKeys;
            var known = view == query.Views.Count ? null : passes.Find(p => p.KeyColumns.SequenceEqual(keys));
            if (known is null) passes.Add(new ShufflePass(passes.Count, keys, [view]));
            else known.Views.Add(view);
        }
        return passes;
    }
}
