using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Engine;

namespace BatchMl.Scoring;

/// <summary>Joins small batches and cuts large ones, so that every item but the last has exactly the batch size. Takes over the batches it is given.</summary>
sealed class Rebatching(int batchSize) : IDisposable
{
    readonly List<RecordBatch> parts = [];
    readonly List<FeatureError> errors = [];
    int rows;

    internal IEnumerable<ScoringItem> Add(FeatureBatch features)
    {
        var batch = features.Batch;
        for (var start = 0; start < batch.Length;)
        {
            var take = Math.Min(batchSize - rows, batch.Length - start);
            foreach (var error in features.Errors)
                if (error.Row >= start && error.Row < start + take) errors.Add(error with { Row = error.Row - start + rows });
            parts.Add(batch.SliceShared(start, take));
            rows += take;
            start += take;
            if (rows == batchSize) yield return Flush()!;
        }
        features.Dispose();
    }

    /// <summary>What is left, when there is no more to add; null: nothing.</summary>
    internal ScoringItem? Flush()
    {
        if (rows == 0) return null;
        var item = new ScoringItem(Join(), [.. errors.OrderBy(e => e.Row)]);
        parts.Clear();
        errors.Clear();
        rows = 0;
        return item;
    }

    RecordBatch Join()
    {
        if (parts.Count == 1) return parts[0];
        var columns = Enumerable.Range(0, parts[0].ColumnCount).Select(c => Columns.Concat([.. parts.Select(p => p.Column(c))]));
        var joined = new RecordBatch(parts[0].Schema, columns, rows);
        Dispose();
        return joined;
    }

    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }
}
