using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Kernel;

namespace BatchMl.Engine.Shuffle;

/// <summary>Events as a batch that can travel: the evaluated columns, and where each row was read.</summary>
static class TravellingEvents
{
    public static RecordBatch Pack(RecordBatch evaluated, long[] origins) => new(
        new Schema([.. evaluated.Schema.FieldsList, new Field("$origin", Int64Type.Default, false)], null), [.. evaluated.Arrays, ArrowColumns.Numbers(origins)], evaluated.Length);

    /// <summary>The kernel's table of events that arrived in any order; null: none did.</summary>
    public static EventTable Unpack(ViewComputation view, RecordBatch? rows)
    {
        if (rows is null) return view.Events.ToTable([], null);
        var origins = (Int64Array)rows.Column(rows.ColumnCount - 1);
        if (view.Bound.Source.TiesAllowed)
        {
            // Of rows that are equal in value order the later one of the source counts.
            var order = new int[rows.Length];
            for (var i = 0; i < order.Length; i++) order[i] = i;
            origins.Values.ToArray().AsSpan().Sort(order.AsSpan());
            rows = new RecordBatch(rows.Schema, rows.Arrays.Select(a => Columns.Take(a, order)), rows.Length);
            origins = (Int64Array)rows.Column(rows.ColumnCount - 1);
        }
        var names = new RowOrigins(view.Bound.Snapshot);
        return view.Events.ToTable([rows], row => names.Describe(origins.Values[row]));
    }
}
