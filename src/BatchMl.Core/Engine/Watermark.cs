using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Engine;

/// <summary>How far a source goes: the newest instant at which one of its rows took effect.</summary>
static class Watermark
{
    const int BatchSize = 65_536;

    /// <summary>The greatest effective time of a source's rows, microseconds; those that are never known do not count. Null: there is none.</summary>
    /// <param name="source">The source.</param>
    /// <param name="enough">What is at or behind this need not be looked for further: the answer may be less than the greatest then, but not less than this.</param>
    /// <param name="cancel">Stops reading.</param>
    public static Task<long?> OfAsync(PinnedSource source, long enough, CancellationToken cancel)
    {
        var definition = source.Source;
        Expr[] times = definition.AvailableAtExpr is { } known && !definition.IgnoresAvailability ? [definition.EventTimeExpr!, known] : [definition.EventTimeExpr!];
        return GreatestAsync(source, times, null, enough, cancel);
    }

    /// <summary>The greatest as_of of a spine of rows.</summary>
    public static Task<long?> OfSpineAsync(PinnedSource source, Spine spine, long enough, CancellationToken cancel) => GreatestAsync(source, [spine.AsOfExpr!], spine.WhereExpr, enough, cancel);

    // Of the greatest of several times in a row, where none is null. Statistics are bounds, and wide ones where times are computed, so they only say in which order fragments are read, and when no other can have more.
    static async Task<long?> GreatestAsync(PinnedSource source, Expr[] times, Expr? where, long enough, CancellationToken cancel)
    {
        var bound = new BoundSource(source.Source, source.Snapshot);
        var columns = times.Concat(where is null ? [] : [where]).SelectMany(t => t.Columns()).Distinct().ToArray();
        long? greatest = null;
        foreach (var (most, fragment) in source.Snapshot.Fragments.Select(f => (Most: Most(times, f), f.Ordinal)).OrderByDescending(f => f.Most).ThenByDescending(f => f.Ordinal))
        {
            if (greatest >= most || greatest >= enough) break;
            await foreach (var read in bound.ReadAsync(columns, [fragment], BatchSize, cancel))
            {
                var rows = where is null ? read : read.Where(where);
                var values = times.Select(t => (TimestampArray)rows.Evaluate(t)).ToArray();
                for (var i = 0; i < rows.Rows; i++)
                {
                    if (values.All(v => v.IsValid(i))) greatest = Math.Max(greatest ?? long.MinValue, values.Max(v => v.Values[i]));
                }
            }
        }
        return greatest;
    }

    static long Most(Expr[] times, SourceFragment fragment)
    {
        var bounds = times.Select(t => Bounds.Of(t, fragment.Statistics)).ToArray();
        return bounds.Any(b => b.Empty) ? long.MinValue : bounds.Max(b => b.Max is null ? long.MaxValue : Convert.ToInt64(b.Max));
    }
}
