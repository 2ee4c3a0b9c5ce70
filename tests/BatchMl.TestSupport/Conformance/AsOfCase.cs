using Apache.Arrow;
using BatchMl.Kernel;

namespace BatchMl.TestSupport.Conformance;

/// <summary>The inputs of one computation.</summary>
public sealed record AsOfCase(EventTable Events, SpineTable Spine, AsOfQuery Query)
{
    /// <summary>The result, or null where the data is refused.</summary>
    public IReadOnlyList<IArrowArray>? Outcome(AsOfCompute compute)
    {
        try
        {
            return compute(Events, Spine, Query);
        }
        catch (DataException)
        {
            return null;
        }
    }

    /// <summary>The same with other event rows.</summary>
    public AsOfCase With(IEnumerable<EventRow> rows) => this with { Events = EventRow.Table([.. rows], Events) };

    /// <summary>The same with spine rows chosen by position, in that order, repeated or left out.</summary>
    public AsOfCase WithSpine(IReadOnlyList<int> rows) => this with
    {
        Spine = new SpineTable([.. Spine.Keys.Select(k => Pick(k, rows))], (TimestampArray)Pick(Spine.AsOf, rows)),
    };

    /// <summary>Rows of a column by position.</summary>
    public static IArrowArray Pick(IArrowArray column, IReadOnlyList<int> rows) => Cells.Build(Cells.TypeOf(column), [.. rows.Select(r => Cells.At(column, r))]);

    /// <summary>A smaller case that fails the same way: event rows, spine rows and outputs are left out as long as it still does.</summary>
    public AsOfCase Shrink(Func<AsOfCase, bool> fails)
    {
        var smallest = this;
        for (var progress = true; progress;)
        {
            progress = false;
            foreach (var candidate in smallest.Smaller())
                if (fails(candidate))
                {
                    (smallest, progress) = (candidate, true);
                    break;
                }
        }
        return smallest;
    }

    IEnumerable<AsOfCase> Smaller()
    {
        var rows = EventRow.Of(Events);
        for (var i = 0; i < rows.Count; i++)
            yield return With(rows.Where((_, j) => j != i));
        for (var i = 0; i < Spine.AsOf.Length; i++)
            yield return WithSpine([.. Enumerable.Range(0, Spine.AsOf.Length).Where(j => j != i)]);
        for (var i = 0; i < Query.Latest.Count; i++)
            yield return this with { Query = Query with { Latest = [.. Query.Latest.Where((_, j) => j != i)] } };
        for (var i = 0; i < Query.Windows.Count; i++)
        {
            yield return this with { Query = Query with { Windows = [.. Query.Windows.Where((_, j) => j != i)] } };
            var window = Query.Windows[i];
            for (var a = 0; a < window.Aggregates.Count; a++)
                yield return this with { Query = Query with { Windows = [.. Query.Windows.Select((w, j) => j != i ? w : w with { Aggregates = [.. w.Aggregates.Where((_, k) => k != a)] })] } };
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join('\n',
    [
        .. EventRow.Of(Events).Select(r => $"event {r}"),
        .. Enumerable.Range(0, Spine.AsOf.Length).Select(i => FormattableString.Invariant($"spine ({string.Join(", ", Spine.Keys.Select(k => Cells.At(k, i) ?? "null"))}) as of {Spine.AsOf.GetValue(i)}")),
        $"latest {string.Join(' ', Query.Latest)}, ttl {Query.Ttl}, ties allowed {Query.TiesAllowed}, unknown deletes allowed {Query.UnknownDeletesAllowed}, ignore availability {Query.IgnoreAvailability}",
        .. Query.Windows.Select(w => $"{w.Window}: {string.Join(' ', w.Aggregates)}"),
        $"declared: available at {Events.AvailableAt is not null}, deleted {Events.Deleted is not null}, to {Events.ValidTo is not null}, closed known at {Events.ClosedKnownAt is not null}",
    ]);
}
