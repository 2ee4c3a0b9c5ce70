using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.Core.Tests.Engine;

/// <summary>How a query is computed; none of it may change an answer.</summary>
sealed record Setting
{
    public DateTimeOffset Now { get; init; } = Days.At(1000);
    public int BatchSize { get; init; } = 1000;
    public int Threads { get; init; } = 1;
    public int PartitionsAtOnce { get; init; } = int.MaxValue;
    public SpillFactory? Spill { get; init; }
    public DateOnly? From { get; init; }
    public DateOnly? To { get; init; }

    public FeatureOptions Options => new(Now, Spill is null ? long.MaxValue : 1, Threads, BatchSize);
}

/// <summary>What an engine answered, row by row.</summary>
sealed record Answer(IReadOnlyList<IReadOnlyDictionary<string, object?>> Rows, IReadOnlyList<FeatureError> Errors)
{
    public object?[] Column(string name) => [.. Rows.Select(r => r[name])];

    /// <summary>One text a row.</summary>
    public string[] InOrder() => [.. Rows.Select(r => string.Join(" | ", r.Select(c => $"{c.Key}={Text(c.Value)}")))];

    /// <summary>One text a row, ordered.</summary>
    public string[] Sorted() => [.. InOrder().Order(StringComparer.Ordinal)];

    static string Text(object? cell) => cell is double d ? FormattableString.Invariant($"{d:R}") : FormattableString.Invariant($"{cell ?? "null"}");

    public static Task<IPinnedQuery> OpenAsync(FeatureQuery query, Setting setting, params (string Name, IBatchSource Source)[] sources) =>
        new LocalEngine(setting.Spill).OpenAsync(query, name => sources.Single(s => s.Name == name).Source, setting.Options, default);

    /// <summary>The answer; the same query in tasks with shuffles between them has to give it too, row by row.</summary>
    public static async Task<Answer> OfAsync(FeatureQuery query, Setting setting, params (string Name, IBatchSource Source)[] sources)
    {
        using var pinned = await OpenAsync(query, setting, sources);
        var random = new Random(1);
        var all = new Answer([], []);
        foreach (var group in (await pinned.PartitionsAsync(setting.From, setting.To, default)).Chunk(setting.PartitionsAtOnce))
        {
            var answer = await OfAsync(pinned.ComputeAsync(group, null, default));
            var layout = await ShuffledAnswer.LayoutAsync(pinned, group, byPartition: random.Next(2) == 0, random);
            var batches = await new ShuffledAnswer(pinned, group, layout, tasks: random.Next(1, 4), random).ComputeAsync();
            // Partitions need not be adjacent in the spine, and tasks end in any order.
            var shuffled = await OfAsync(batches.Select(b => b.Batch).ToAsyncEnumerable());
            Assert.Equal(layout.ByPartition ? answer.Sorted() : answer.InOrder(), layout.ByPartition ? shuffled.Sorted() : shuffled.InOrder());
            Assert.Equal(answer.Errors.Select(e => (e.Column, e.Message)).Order(), shuffled.Errors.Select(e => (e.Column, e.Message)).Order());
            all = new Answer([.. all.Rows, .. answer.Rows], [.. all.Errors, .. answer.Errors.Select(e => e with { Row = e.Row + all.Rows.Count })]);
        }
        return all;
    }

    /// <summary>What is said of data that is refused, computed in one process and in tasks; null where it is not.</summary>
    public static async Task<string?[]> RefusalsAsync(FeatureQuery query, Setting setting, params (string Name, IBatchSource Source)[] sources)
    {
        using var pinned = await OpenAsync(query, setting, sources);
        var random = new Random(1);
        string?[] said = [null, null];
        foreach (var group in (await pinned.PartitionsAsync(setting.From, setting.To, default)).Chunk(setting.PartitionsAtOnce))
        {
            said[0] ??= await RefusalAsync(() => OfAsync(pinned.ComputeAsync(group, null, default)));
            var layout = await ShuffledAnswer.LayoutAsync(pinned, group, byPartition: true, random);
            said[1] ??= await RefusalAsync(() => new ShuffledAnswer(pinned, group, layout, tasks: random.Next(1, 4), random).ComputeAsync());
        }
        return said;
    }

    static async Task<string?> RefusalAsync<T>(Func<Task<T>> compute)
    {
        try
        {
            await compute();
            return null;
        }
        catch (DataException e)
        {
            return e.Message;
        }
    }

    static async Task<Answer> OfAsync(IAsyncEnumerable<FeatureBatch> batches)
    {
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        var errors = new List<FeatureError>();
        await foreach (var batch in batches)
        {
            errors.AddRange(batch.Errors.Select(e => e with { Row = e.Row + rows.Count }));
            for (var i = 0; i < batch.Batch.Length; i++)
                rows.Add(batch.Batch.Schema.FieldsList.Zip(batch.Batch.Arrays).ToDictionary(c => c.First.Name, c => Cells.At(c.Second, i)));
            batch.Dispose();
        }
        return new Answer(rows, errors);
    }
}

/// <summary>Instants in days since 2024-01-01.</summary>
static class Days
{
    public static readonly DateTimeOffset Zero = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset At(double days) => Zero.AddDays(days);

    public static DateOnly Date(int days) => DateOnly.FromDateTime(At(days).DateTime);
}
