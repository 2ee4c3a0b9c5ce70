using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Engine.Shuffle;

/// <summary>Spine rows as a batch that can travel: their columns, their place in the spine's order and what failed in them.</summary>
static class TravellingRows
{
    // No column of a record type begins with a dollar sign.
    const string Place = "$place", Failed = "$failed";

    public static RecordBatch Pack(SpineRows rows, Int64Array places)
    {
        var fields = rows.Columns.Select(c => new Field(c.Key, c.Value.Data.DataType, true)).Append(new Field(Place, Int64Type.Default, false)).Append(new Field(Failed, StringType.Default, true));
        return new RecordBatch(new Schema(fields, null), [.. rows.Columns.Values, places, Pack(rows)], rows.Rows);
    }

    static StringArray Pack(SpineRows rows)
    {
        var byRow = rows.Errors.ToLookup(e => e.Row);
        var builder = new StringArray.Builder();
        for (var i = 0; i < rows.Rows; i++)
        {
            if (byRow.Contains(i)) builder.Append(JsonSerializer.Serialize(byRow[i]));
            else builder.AppendNull();
        }
        return builder.Build();
    }

    /// <summary>The rows of some batches of one schema.</summary>
    public static (SpineRows Rows, Int64Array Places) Unpack(IReadOnlyList<RecordBatch> batches)
    {
        var columns = new Dictionary<string, IArrowArray>(StringComparer.Ordinal);
        foreach (var field in batches[0].Schema.FieldsList) columns[field.Name] = Columns.Concat([.. batches.Select(b => b.Column(field.Name))]);
        var (places, failed) = ((Int64Array)columns[Place], (StringArray)columns[Failed]);
        columns.Remove(Place);
        columns.Remove(Failed);
        var errors = new List<FeatureError>();
        for (var i = 0; failed.NullCount < failed.Length && i < failed.Length; i++)
        {
            if (!failed.IsNull(i)) errors.AddRange(JsonSerializer.Deserialize<FeatureError[]>(failed.GetBytes(i))!.Select(e => e with { Row = i }));
        }
        return (new SpineRows(failed.Length, columns, errors), places);
    }

    /// <summary>The same rows in the spine's order.</summary>
    public static SpineRows Sort(SpineRows rows, Int64Array places)
    {
        var order = new int[rows.Rows];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        places.Values.ToArray().AsSpan().Sort(order.AsSpan());
        var now = new int[order.Length];
        for (var i = 0; i < order.Length; i++) now[order[i]] = i;
        return new SpineRows(rows.Rows, rows.Columns.ToDictionary(c => c.Key, c => Columns.Take(c.Value, order)), [.. rows.Errors.Select(e => e with { Row = now[e.Row] }).OrderBy(e => e.Row)]);
    }
}
