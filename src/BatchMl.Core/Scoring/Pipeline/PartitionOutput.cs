using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>One partition's stage with what went into it.</summary>
sealed class PartitionOutput(string value, IBatchStage stage, ModelManifest model)
{
    readonly DeadLetterFile letters = new(model);
    long rows;
    long scores;
    long nanScores;

    internal PartitionCounts Counts => new(rows, scores, letters.Count, nanScores);

    /// <summary>Writes rows of the partition, in order.</summary>
    internal async Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        if (batch.Length == 0) return;
        await stage.WriteAsync(batch, cancel);
        scores += batch.Length;
        foreach (var output in model.Signature.Outputs) nanScores += Nans(batch.Column(output.Name));
    }

    /// <summary>Counts rows of the partition, in order, and keeps those of them that failed.</summary>
    /// <param name="run">Adjacent rows of <paramref name="batch"/>.</param>
    /// <param name="failed">Those of them that failed.</param>
    /// <param name="batch">Their batch.</param>
    internal void Account(Partitioning.Run run, IEnumerable<FailedRow> failed, RecordBatch batch)
    {
        foreach (var row in failed) letters.Add(rows + row.Row - run.Start, row, batch);
        rows += run.Count;
    }

    /// <summary>Writes the dead letters, if any, and holds that no row was lost or written twice.</summary>
    internal async Task FinishAsync(CancellationToken cancel)
    {
        if (rows != scores + letters.Count)
            throw new BatchMlException($"Partition {value}: {rows} rows went in, {scores} scores and {letters.Count} dead letters came out; each row must be in exactly one.", FailureKind.Bug);
        if (letters.Count > 0) await stage.AddFileAsync(FileKind.DeadLetters, DeadLetterFile.Name, letters.Content, letters.Count, cancel);
    }

    static long Nans(IArrowArray column)
    {
        var nans = 0L;
        switch (column)
        {
            case DoubleArray doubles:
                foreach (var x in doubles.Values) nans += double.IsNaN(x) ? 1 : 0;
                break;
            case FloatArray floats:
                foreach (var x in floats.Values) nans += float.IsNaN(x) ? 1 : 0;
                break;
        }
        return nans;
    }
}
