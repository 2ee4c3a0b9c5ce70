using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Testing.Internals;

/// <summary>What the engine answered: by row the values of its columns, and what could not be computed.</summary>
sealed record Answer(FeatureQuery Query, IReadOnlyList<IReadOnlyDictionary<string, object?>> Rows, IReadOnlyDictionary<(int Row, string Column), string> Errors)
{
    /// <summary>Asks the local engine. Labels are given whether or not they are mature: a test says itself as of when it looks at them.</summary>
    public static Answer Of(FeatureQuery query, Func<string, IBatchSource> sources, DateOnly? from, DateOnly? to) =>
        // A test may be run with a synchronisation context; the engine, over tables in memory, waits for nothing.
        Task.Run(() => OfAsync(query, sources, from, to)).GetAwaiter().GetResult();

    static async Task<Answer> OfAsync(FeatureQuery query, Func<string, IBatchSource> sources, DateOnly? from, DateOnly? to)
    {
        using var pinned = await Open(query, sources);
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        var errors = new Dictionary<(int, string), string>();
        var partitions = await pinned.PartitionsAsync(from, to, default);
        if (partitions.Count == 0) return new Answer(query, rows, errors);
        await foreach (var batch in pinned.ComputeAsync(partitions, null, default))
        {
            using (batch)
            {
                foreach (var error in batch.Errors) errors[(rows.Count + error.Row, error.Column)] = error.Message;
                for (var i = 0; i < batch.Batch.Length; i++) rows.Add(query.Columns.ToDictionary(c => c.Name, c => Columns.ValueAt(batch.Batch.Column(c.Name), i), StringComparer.Ordinal));
            }
        }
        return new Answer(query, rows, errors);
    }

    /// <summary>Where the values of one row come from.</summary>
    public static IReadOnlyList<Explanation> Explain(FeatureQuery query, Func<string, IBatchSource> sources, IReadOnlyDictionary<string, string> key, DateTimeOffset asOf) => Task.Run(async () =>
    {
        using var pinned = await Open(query, sources);
        return await pinned.ExplainAsync(key, asOf, default);
    }).GetAwaiter().GetResult();

    static Task<IPinnedQuery> Open(FeatureQuery query, Func<string, IBatchSource> sources) =>
        new LocalEngine(null).OpenAsync(query, sources, new FeatureOptions(DateTimeOffset.MaxValue, long.MaxValue, 1, 4_096), default);
}
