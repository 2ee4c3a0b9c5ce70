using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using Array = Apache.Arrow.Array;
using Utf8 = System.Text.Encoding;

namespace BatchMl.Scoring;

/// <summary>Puts scored rows together. Columns that hold one value are made once, at the largest size, and every batch shows a slice of them.</summary>
sealed class Assembly : IDisposable
{
    readonly Array[] ofModel;
    readonly Array[] ofChallenger;
    readonly Array[] ofRun;

    internal Assembly(ScoreLayout layout, ModelManifest model, ModelManifest? challenger, ScoringRun run, int batchSize)
    {
        Layout = layout;
        var scoredAt = (run.ScoredAt.UtcDateTime - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        ofModel = [
            Text(model.Name, batchSize), Number(Int64Type.Default, model.Version, batchSize), Text(model.Digest, batchSize),
            Text($"{model.FeatureService}@{model.FeatureServiceVersion}", batchSize),
        ];
        ofChallenger = challenger is null ? [] : [Text(challenger.Name, batchSize), Number(Int64Type.Default, challenger.Version, batchSize), Text(challenger.Digest, batchSize)];
        ofRun = [Number(Columns.UtcMicroseconds, scoredAt, batchSize), Text(run.RunId, batchSize)];
    }

    internal ScoreLayout Layout { get; }

    /// <summary>The output rows; takes over the models' outputs and shares the features' memory.</summary>
    internal RecordBatch Assemble(RecordBatch features, IReadOnlyList<IArrowArray> outputs, IReadOnlyList<IArrowArray> beside)
    {
        IArrowArray Column(string name) => Columns.Normalize(features.Column(name)).Share();
        var rows = features.Length;
        IArrowArray[] columns = [
            .. Layout.PassThrough.Select(Column), .. outputs, .. ofModel.Select(c => c.SliceShared(0, rows)), Column(Layout.AsOf.Name),
            .. ofRun.Select(c => c.SliceShared(0, rows)),
            .. beside, .. ofChallenger.Select(c => c.SliceShared(0, rows)), Column(Layout.Partition.Name),
        ];
        return new RecordBatch(Layout.Schema, columns, rows);
    }

    public void Dispose()
    {
        foreach (var column in ofModel.Concat(ofChallenger).Concat(ofRun)) column.Dispose();
    }

    static Array Text(string value, int rows)
    {
        var text = Utf8.UTF8.GetBytes(value);
        var bytes = new byte[text.Length * rows];
        var offsets = new int[rows + 1];
        for (var row = 0; row < rows; row++)
        {
            text.CopyTo(bytes, row * text.Length);
            offsets[row + 1] = (row + 1) * text.Length;
        }
        return new StringArray(rows, Native(MemoryMarshal.AsBytes(offsets.AsSpan()).ToArray()), Native(bytes), ArrowBuffer.Empty);
    }

    static Array Number(IArrowType type, long value, int rows)
    {
        var values = new long[rows];
        values.AsSpan().Fill(value);
        return (Array)ArrowArrayFactory.BuildArray(new ArrayData(type, rows, 0, 0, [ArrowBuffer.Empty, Native(MemoryMarshal.AsBytes(values.AsSpan()).ToArray())], null));
    }

    static ArrowBuffer Native(byte[] bytes) => new ArrowBuffer(bytes).Clone();
}
