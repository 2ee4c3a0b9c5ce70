using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Engine.Shuffle;

/// <summary>What has arrived of one bucket.</summary>
sealed class Buckets
{
    readonly Dictionary<int, List<RecordBatch>> tables = [];

    Buckets(long bucket) => Bucket = bucket;

    public long Bucket { get; }

    public bool Has(int table) => tables.ContainsKey(table);

    /// <summary>The batches of a table, of which there are some.</summary>
    public IReadOnlyList<RecordBatch> Batches(int table) => tables[table];

    /// <summary>The rows of a table; null: there are none.</summary>
    public RecordBatch? Rows(int table)
    {
        if (!tables.TryGetValue(table, out var batches)) return null;
        return new RecordBatch(batches[0].Schema, Enumerable.Range(0, batches[0].ColumnCount).Select(c => Columns.Concat([.. batches.Select(b => b.Column(c))])), batches.Sum(b => b.Length));
    }

    /// <summary>Bucket by bucket.</summary>
    public static IAsyncEnumerable<Buckets> Of(IAsyncEnumerable<Parcel> parcels, CancellationToken cancel) => GroupAsync(parcels, inOrder: false, cancel);

    /// <summary>Bucket by bucket, and within each a piece for each order.</summary>
    public static IAsyncEnumerable<Buckets> InOrder(IAsyncEnumerable<Parcel> parcels, CancellationToken cancel) => GroupAsync(parcels, inOrder: true, cancel);

    static async IAsyncEnumerable<Buckets> GroupAsync(IAsyncEnumerable<Parcel> parcels, bool inOrder, [EnumeratorCancellation] CancellationToken cancel)
    {
        Buckets? group = null;
        var order = 0L;
        await foreach (var parcel in parcels.WithCancellation(cancel))
        {
            if (group is not null && (parcel.Bucket, parcel.Order).CompareTo((group.Bucket, order)) < 0)
                throw new BatchMlException($"A shuffle brought bucket {parcel.Bucket}, order {parcel.Order} after bucket {group.Bucket}, order {order}; expected them sorted.", FailureKind.Bug);
            if (group is null || group.Bucket != parcel.Bucket || (inOrder && order != parcel.Order))
            {
                if (group is not null) yield return group;
                group = new Buckets(parcel.Bucket);
            }
            order = parcel.Order;
            if (!group.tables.TryGetValue(parcel.Table, out var batches)) group.tables[parcel.Table] = batches = [];
            batches.Add(parcel.Rows());
        }
        if (group is not null) yield return group;
    }
}
