using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance.Mutation;

/// <summary>Wrong about keys.</summary>
static class KeyMutants
{
    internal static IEnumerable<Mutant> All =>
    [
        new("joins integer keys as strings", "integer keys that collide as joined strings stay apart", (e, s, q) => new Joined(e, s, q, "").Run()),
        new("joins string keys with nothing between", "string keys that collide as joined strings stay apart", (e, s, q) => new Joined(e, s, q, "").Run()),
        new("joins string keys with a bar", "string keys that collide as joined strings stay apart", (e, s, q) => new Joined(e, s, q, "|").Run()),
        new("joins string keys with a zero character", "string keys that collide as joined strings stay apart", (e, s, q) => new Joined(e, s, q, "\0").Run()),
        new("uses the first key column only", "a key of mixed types", (e, s, q) => new FirstOnly(e, s, q).Run()),
        new("lets null keys meet", "a null key matches nothing, not even null", (e, s, q) => new NullsMeet(e, s, q).Run()),
        new("takes a null component for empty", "one null component is enough to match nothing", (e, s, q) => new NullIsDefault(e, s, q).Run()),
        new("keeps NaN keys apart", "double keys: NaN meets NaN and zeros meet", (e, s, q) => new NaNApart(e, s, q).Run()),
        new("keeps zero and minus zero apart as keys", "double keys: NaN meets NaN and zeros meet", (e, s, q) => new ZerosApart(e, s, q).Run()),
        new("trims and lowers string keys", "string keys are exact", (e, s, q) => new Loose(e, s, q).Run()),
        new("truncates timestamp keys to seconds", "timestamp keys are exact", (e, s, q) => new Seconds(e, s, q).Run()),
    ];

    sealed class Joined(EventTable events, SpineTable spine, AsOfQuery query, string between) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => !row.Contains(null) && !key.Contains(null) && string.Join(between, row) == string.Join(between, key);
    }

    sealed class FirstOnly(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => base.KeyMatches(row[..1], key[..1]);
    }

    sealed class NullsMeet(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => row.Zip(key).All(c => Same(c.First, c.Second));
    }

    sealed class NullIsDefault(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => row.Zip(key).All(c => Same(c.First ?? Default(c.Second), c.Second ?? Default(c.First)));

        static object? Default(object? like) => like switch { long => 0L, string => "", _ => null };
    }

    sealed class NaNApart(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => base.KeyMatches(row, key) && !row.Contains(double.NaN);
    }

    sealed class ZerosApart(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => base.KeyMatches(row, key) && row.Zip(key).All(c => Cells.Identical(c.First, c.Second));
    }

    sealed class Loose(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => base.KeyMatches([.. row.Select(Lower)], [.. key.Select(Lower)]);

        static object? Lower(object? cell) => cell is string s ? s.Trim().ToLowerInvariant() : cell;
    }

    sealed class Seconds(EventTable events, SpineTable spine, AsOfQuery query) : NestedLoopOracle(events, spine, query)
    {
        protected override bool KeyMatches(object?[] row, object?[] key) => base.KeyMatches([.. row.Select(Truncate)], [.. key.Select(Truncate)]);

        static object? Truncate(object? cell) => cell is long instant ? instant / 1_000_000 : cell;
    }
}
