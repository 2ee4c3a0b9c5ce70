using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Engine.Shuffle;
using BatchMl.Kernel;

namespace BatchMl.SparkJobs;

/// <summary>Inputs and outcome of the as-of kernel as parcels.</summary>
public static class TravellingCase
{
    // Parcels of a case by what they hold; an outcome's columns are of table Columns, what was refused of table Refusal.
    const int Query = 0, Events = 1, Spine = 2, Columns = 3, Refusal = 4;

    // Small, so that most tables travel in pieces.
    const int RowsInParcel = 3;

    /// <summary>A case as parcels of one bucket.</summary>
    public static IEnumerable<Parcel> ToParcels(long bucket, EventTable events, SpineTable spine, AsOfQuery query)
    {
        yield return Parcel.Of(bucket, 0, Query, Text(JsonSerializer.Serialize(query)));
        var fields = ColumnsOf(events).ToArray();
        foreach (var (order, piece) in Pieces(fields, events.Rows)) yield return Parcel.Of(bucket, order, Events, piece);
        var keys = spine.Keys.Select((k, i) => ($"key{i:D3}", k)).Append(("as_of", spine.AsOf)).ToArray();
        foreach (var (order, piece) in Pieces(keys, spine.AsOf.Length)) yield return Parcel.Of(bucket, order, Spine, piece);
    }

    /// <summary>The case again.</summary>
    public static (EventTable Events, SpineTable Spine, AsOfQuery Query) FromParcels(IReadOnlyList<Parcel> parcels)
    {
        var query = ((StringArray)parcels.Single(p => p.Table == Query).Rows().Column(0)).GetString(0);
        var (events, rows) = Join(parcels.Where(p => p.Table == Events));
        var (spine, _) = Join(parcels.Where(p => p.Table == Spine));
        IReadOnlyList<IArrowArray> Of(string role) => [.. events.Where(c => c.Key.StartsWith(role, StringComparison.Ordinal)).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Value)];
        TimestampArray? Time(string role) => (TimestampArray?)events.GetValueOrDefault(role);
        return (
            new EventTable
            {
                Rows = rows, Keys = Of("key"), EventTime = Time("event_time"), AvailableAt = Time("available_at"), TieBreak = Of("tie"), Fact = Of("fact"), Deleted = (BooleanArray?)events.GetValueOrDefault("deleted"),
                ValidFrom = Time("valid_from"), ValidTo = Time("valid_to"), ClosedKnownAt = Time("closed_known_at"), Values = Of("value"),
            },
            new SpineTable([.. spine.Where(c => c.Key != "as_of").OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Value)], (TimestampArray)spine["as_of"]),
            JsonSerializer.Deserialize<AsOfQuery>(query)!);
    }

    /// <summary>What a computation gives, as a parcel.</summary>
    public static Parcel Outcome(long bucket, Func<IReadOnlyList<IArrowArray>> compute)
    {
        try
        {
            var columns = compute();
            return Parcel.Of(bucket, 0, Columns, new RecordBatch(new Schema(columns.Select((c, i) => new Field($"c{i}", c.Data.DataType, true)), null), columns, columns.Count == 0 ? 0 : columns[0].Length));
        }
        catch (DataException e)
        {
            return Parcel.Of(bucket, 0, Refusal, Text(e.Message));
        }
    }

    /// <summary>What a parcel says came out.</summary>
    /// <exception cref="DataException">The data was refused.</exception>
    public static IReadOnlyList<IArrowArray> Outcome(Parcel parcel)
    {
        var rows = parcel.Rows();
        return parcel.Table == Refusal ? throw new DataException(((StringArray)rows.Column(0)).GetString(0)) : [.. rows.Arrays];
    }

    static IEnumerable<(string Name, IArrowArray Column)> ColumnsOf(EventTable events)
    {
        static IEnumerable<(string, IArrowArray)> Many(string role, IReadOnlyList<IArrowArray> columns) => columns.Select((c, i) => ($"{role}{i:D3}", c));
        (string, IArrowArray?)[] single =
        [
            ("event_time", events.EventTime), ("available_at", events.AvailableAt), ("deleted", events.Deleted), ("valid_from", events.ValidFrom), ("valid_to", events.ValidTo), ("closed_known_at", events.ClosedKnownAt),
        ];
        return [.. Many("key", events.Keys), .. Many("tie", events.TieBreak), .. Many("fact", events.Fact), .. Many("value", events.Values), .. single.Where(c => c.Item2 is not null).Select(c => (c.Item1, c.Item2!))];
    }

    static IEnumerable<(long Order, RecordBatch Piece)> Pieces((string Name, IArrowArray Column)[] columns, int rows)
    {
        var schema = new Schema(columns.Select(c => new Field(c.Name, c.Column.Data.DataType, true)), null);
        for (var from = 0; from == 0 || from < rows; from += RowsInParcel)
        {
            int[] mine = [.. Enumerable.Range(from, Math.Min(RowsInParcel, rows - from))];
            yield return (from + 1, new RecordBatch(schema, columns.Select(c => Data.Columns.Take(c.Column, mine)), mine.Length));
        }
    }

    static (Dictionary<string, IArrowArray> Columns, int Rows) Join(IEnumerable<Parcel> parcels)
    {
        RecordBatch[] pieces = [.. parcels.OrderBy(p => p.Order).Select(p => p.Rows())];
        return (pieces[0].Schema.FieldsList.Select((f, i) => (f.Name, Data.Columns.Concat([.. pieces.Select(p => p.Column(i))]))).ToDictionary(), pieces.Sum(p => p.Length));
    }

    static RecordBatch Text(string text) => new(new Schema([new Field("text", StringType.Default, false)], null), [new StringArray.Builder().Append(text).Build()], 1);
}
