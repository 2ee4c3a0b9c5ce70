using Apache.Arrow;

namespace BatchMl.Data;

/// <summary>Whole rows of batches.</summary>
static class Batches
{
    /// <summary>Rows by number, in the order given; owns its memory.</summary>
    internal static RecordBatch Take(this RecordBatch batch, ReadOnlySpan<int> rows)
    {
        var columns = new IArrowArray[batch.ColumnCount];
        for (var i = 0; i < columns.Length; i++) columns[i] = Columns.Take(batch.Column(i), rows);
        return new RecordBatch(batch.Schema, columns, rows.Length);
    }

    /// <summary>The same column with a share of its memory: both have to be disposed.</summary>
    internal static IArrowArray Share(this IArrowArray column) => ArrowArrayFactory.BuildArray(column.Data.Retain());
}
