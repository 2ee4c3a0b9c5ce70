using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Engine.Shuffle;

/// <summary>Rows as a batch that can travel between processes: their columns and what failed in them, and on the way also their place in the spine's order.</summary>
public static class TravellingRows
{
    // No column of a record type begins with a dollar sign.
    const string Place = "$place", Failed = "$failed";

    internal static RecordBatch Pack(SpineRows rows, Int64Array places)
    {
        var fields = rows.Columns.Select(c => new Field(c.Key, c.Value.Data.DataType, true)).Append(new Field(Place, Int64Type.Default, false)).Append(new Field(Failed, StringType.Default, true));
        return new RecordBatch(new Schema(fields, null), [.. rows.Columns.Values, places, Pack(rows.Errors, rows.Rows)], rows.Rows);
    }

    /// <summary>Rows that are done.</summary>
    public static RecordBatch Pack(FeatureBatch rows) => new(
        new Schema([.. rows.Batch.Schema.FieldsList, new Field(Failed, StringType.Default, true)], null), [.. rows.Batch.Arrays, Pack(rows.Errors, rows.Batch.Length)], rows.Batch.Length);

    /// <summary>Rows that are done, as they were before they travelled.</summary>
    public static FeatureBatch Unpack(RecordBatch batch)
    {
        var last = batch.ColumnCount - 1;
        var rows = new RecordBatch(new Schema(batch.Schema.FieldsList.Take(last), null), batch.Arrays.Take(last), batch.Length);
        return new FeatureBatch(rows, [.. Errors((StringArray)batch.Column(last))]);
    }

    static StringArray Pack(IEnumerable<FeatureError> errors, int rows)
    {
        var byRow = errors.ToLookup(e => e.Row);
        var builder = new StringArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            if (byRow.Count > 0 && byRow.Contains(i)) builder.Append(JsonSerializer.Serialize(byRow[i]));
            else builder.AppendNull();
        }
        return builder.Build();
    }

    static IEnumerable<FeatureError> Errors(StringArray failed)
    {
        for (var i = 0; failed.NullCount < failed.Length && i < failed.Length; i++)
        {
            if (failed.IsNull(i)) continue;
            foreach (var error in JsonSerializer.Deserialize<FeatureError[]>(failed.GetBytes(i))!) yield return error with { Row = i };
        }
    }

    /// <summary>The rows of some batches of one schema.</summary>
    internal static (SpineRows Rows, Int64Array Places) Unpack(IReadOnlyList<RecordBatch> batches)
    {
        var columns = new Dictionary<string, IArrowArray>(StringComparer.Ordinal);
        foreach (var field in batches[0].Schema.FieldsList) columns[field.Name] = Columns.Concat([.. batches.Select(b => b.Column(field.Name))]);
        var (places, failed) = ((Int64Array)columns[Place], (StringArray)columns[Failed]);
        columns.Remove(Place);
        columns.Remove(Failed);
        return (new SpineRows(failed.Length, columns, [.. Errors(failed)]), places);
    }

    /// <summary>The same rows in the spine's order.</summary>
    internal static SpineRows Sort(SpineRows rows, Int64Array places)
    {
        var order = new int[rows.Rows];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        places.Values.ToArray().AsSpan().Sort(order.AsSpan());
        var now = new int[order.Length];
        for (var i = 0; i < order.Length; i++) now[order[i]] = i;
        return new SpineRows(rows.Rows, rows.Columns.ToDictionary(c => c.Key, c => Columns.Take(c.Value, order)), [.. rows.Errors.Select(e => e with { Row = now[e.Row] }).OrderBy(e => e.Row)]);
    }
}
