using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Testing.Internals;

/// <summary>A table in memory: one file without statistics.</summary>
sealed class RowTable(string name, RecordBatch rows) : IBatchSource, ISourceSnapshot
{
    public RecordBatch Rows => rows;

    public Schema Schema => rows.Schema;

    public IReadOnlyList<SourceFile> Files { get; } = [new(name, rows.Length, DateTimeOffset.UnixEpoch, name)];

    public IReadOnlyList<SourceFragment> Fragments { get; } = [new(0, 0, 0, 0, rows.Length, rows.Length, new Dictionary<string, ColumnStatistics>())];

    /// <summary>A table of columns and rows of their values, as columns have them.</summary>
    public static RowTable Of(string name, IReadOnlyList<SourceColumn> columns, IReadOnlyList<object?[]> rows) => new(name, new RecordBatch(
        new Schema(columns.Select(c => new Field(c.Name, Columns.ArrowType(c.Type), true)), null),
        columns.Select((c, i) => Cell.Column(c.Type, [.. rows.Select(r => r[i])])), rows.Count));

    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => Task.FromResult<ISourceSnapshot>(this);

    public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.CompletedTask;
        var columns = request.Columns.Select(c => rows.Schema.GetFieldIndex(c)).ToArray();
        for (var row = 0; row < rows.Length; row += request.BatchSize)
        {
            cancel.ThrowIfCancellationRequested();
            int[] taken = [.. Enumerable.Range(row, Math.Min(request.BatchSize, rows.Length - row))];
            var schema = new Schema(columns.Select(rows.Schema.GetFieldByIndex), null);
            yield return new SourceBatch(new RecordBatch(schema, columns.Select(c => Columns.Take(rows.Column(c), taken)), taken.Length), name, row);
        }
    }

    // Memory that nobody else has: it neither changes nor needs to be given back.
    public void Verify()
    {
    }

    public void Dispose()
    {
    }
}
