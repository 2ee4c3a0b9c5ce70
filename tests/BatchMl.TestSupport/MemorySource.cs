using System.Reflection;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport.Conformance;

namespace BatchMl.TestSupport;

/// <summary>A table in memory: each fragment a file of its own, with statistics or without, read in batches of at most three rows.</summary>
public sealed class MemorySource : IBatchSource, ISourceSnapshot
{
    const int LargestBatch = 3;
    readonly List<RecordBatch> fragments = [];
    readonly List<int> read = [];

    MemorySource(Schema schema) => Schema = schema;

    public Schema Schema { get; }

    public IReadOnlyList<SourceFile> Files { get; private set; } = [];

    public IReadOnlyList<SourceFragment> Fragments { get; private set; } = [];

    /// <summary>Ordinals of the fragments read so far, once for each time.</summary>
    public IReadOnlyList<int> Read
    {
        get
        {
            lock (read) return [.. read];
        }
    }

    /// <summary>A table of records, one fragment after the other.</summary>
    public static MemorySource Of<T>(string name, bool statistics, params IReadOnlyList<IReadOnlyList<T>> parts)
    {
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0).ToArray();
        var columns = properties.Select(RecordColumns.Of).ToArray();
        var source = new MemorySource(new Schema(columns.Select(c => new Field(c.Name, Columns.ArrowType(c.Type), c.Nullable)), null));
        foreach (var part in parts)
        {
            var arrays = properties.Zip(columns, (p, c) => Cells.Build(c.Type, [.. part.Select(r => Cell(p.GetValue(r)))]));
            source.fragments.Add(new RecordBatch(source.Schema, arrays, part.Count));
        }
        source.Files = [.. source.fragments.Select((f, i) => new SourceFile($"/{name}/{i:000}.mem", f.Length, DateTimeOffset.UnixEpoch, $"{name} {i} {string.Join('\n', TestTable.Rows(f))}"))];
        source.Fragments = [.. source.fragments.Select((f, i) => new SourceFragment(
            i, i, 0, 0, f.Length, f.Length, statistics ? f.Schema.FieldsList.Zip(f.Arrays).ToDictionary(c => c.First.Name, c => Statistics(c.Second)) : []))];
        return source;
    }

    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel) => Task.FromResult<ISourceSnapshot>(this);

    public async IAsyncEnumerable<SourceBatch> ReadAsync(ScanRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var ordinal in request.Fragments ?? [.. Enumerable.Range(0, fragments.Count)])
        {
            lock (read) read.Add(ordinal);
            var table = TestTable.Select(fragments[ordinal], request.Columns);
            for (var row = 0; row < table.Length; row += Math.Min(LargestBatch, request.BatchSize))
            {
                await Task.Yield();
                cancel.ThrowIfCancellationRequested();
                int[] rows = [.. Enumerable.Range(row, Math.Min(Math.Min(LargestBatch, request.BatchSize), table.Length - row))];
                yield return new SourceBatch(new RecordBatch(table.Schema, table.Arrays.Select(a => Columns.Take(a, rows)), rows.Length), Files[ordinal].Path, row);
            }
        }
    }

    public void Verify()
    {
    }

    public void Dispose()
    {
    }

    static object? Cell(object? value) => value switch
    {
        DateTimeOffset t => (t.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond,
        DateOnly d => d.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber,
        int i => (long)i,
        _ => value,
    };

    static ColumnStatistics Statistics(IArrowArray column)
    {
        var values = Enumerable.Range(0, column.Length).Select(i => Cells.At(column, i)).Where(v => v is not (null or double.NaN)).Order(Comparer<object?>.Create(Cells.Compare)).ToArray();
        return new ColumnStatistics(values.FirstOrDefault(), values.LastOrDefault(), column.NullCount);
    }
}
