using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.DuckDb;

/// <summary>Makes batches of one size out of DuckDB's 2,048 rows at a time. Takes batches over and disposes them.</summary>
sealed class BatchCoalescer(Schema schema, int size) : IDisposable
{
    readonly Queue<RecordBatch> parts = [];
    int offset, available;

    public void Add(RecordBatch batch)
    {
        available += batch.Length;
        parts.Enqueue(batch);
    }

    /// <summary>A full batch; at the end also one that is not full. Null: there is none yet.</summary>
    public RecordBatch? Take(bool atEnd)
    {
        if (available == 0 || available < size && !atEnd) return null;
        var rows = Math.Min(size, available);
        var slices = new List<(RecordBatch Batch, int From, int Count)>();
        var used = new List<RecordBatch>();
        for (var missing = rows; missing > 0;)
        {
            var part = parts.Peek();
            var count = Math.Min(missing, part.Length - offset);
            slices.Add((part, offset, count));
            missing -= count;
            offset += count;
            if (offset < part.Length) continue;
            used.Add(parts.Dequeue());
            offset = 0;
        }
        available -= rows;
        // Copies: DuckDB's memory goes when its batch is disposed.
        var columns = Enumerable.Range(0, schema.FieldsList.Count).Select(c => Join(slices, c)).ToArray();
        foreach (var batch in used) batch.Dispose();
        return new RecordBatch(schema, columns, rows);
    }

    static IArrowArray Join(List<(RecordBatch Batch, int From, int Count)> slices, int column)
    {
        var pieces = slices.Select(s => Plain(ArrowArrayFactory.Slice(s.Batch.Column(column), s.From, s.Count))).ToArray();
        return pieces.Length > 1 ? Columns.Concat(pieces) : Columns.Take(pieces[0], [.. Enumerable.Range(0, pieces[0].Length)]);
    }

    // An ENUM is a dictionary of its own in each batch.
    static IArrowArray Plain(IArrowArray array) => array is DictionaryArray ? Columns.Normalize(array) : array;

    public void Dispose()
    {
        while (parts.TryDequeue(out var part)) part.Dispose();
    }
}
