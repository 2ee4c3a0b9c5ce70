using Apache.Arrow;
using BatchMl.Data;
using Xunit;

namespace BatchMl.TestSupport;

/// <summary>What every <see cref="IBatchSource"/> promises.</summary>
public abstract class SourceContract : IDisposable
{
    protected TestFolder Folder { get; } = new();

    /// <summary>Writes rows to one file and returns its path.</summary>
    protected abstract Task<string> WriteAsync(string name, RecordBatch rows);

    /// <summary>A source over files written by <see cref="WriteAsync"/>, all in <see cref="Folder"/>.</summary>
    protected abstract IBatchSource Open(params string[] files);

    /// <summary>Whether a pinned table can still be read once its path has another file; otherwise reading says that it changed.</summary>
    protected virtual bool ReadsReplacedFiles => true;

    protected static readonly string[] All = [.. TestTable.Schema.FieldsList.Select(f => f.Name)];

    protected static async Task<List<SourceBatch>> ReadAsync(ISourceSnapshot snapshot, ScanRequest request)
    {
        var batches = new List<SourceBatch>();
        await foreach (var batch in snapshot.ReadAsync(request, default)) batches.Add(batch);
        return batches;
    }

    protected static List<string> Rows(IEnumerable<SourceBatch> batches) => [.. batches.SelectMany(b => TestTable.Rows(b.Batch))];

    [Fact]
    public async Task Rows_come_back_exactly_and_in_order()
    {
        var table = TestTable.Create(5000);
        using var snapshot = await Open(await WriteAsync("a", table)).OpenAsync(default);
        Assert.Equal(TestTable.Rows(table), Rows(await ReadAsync(snapshot, new ScanRequest(All))));
    }

    [Fact]
    public async Task The_schema_is_known_before_the_first_batch_and_holds_for_each()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(100))).OpenAsync(default);
        Assert.Equal(All, snapshot.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal(TestTable.Schema.FieldsList.Select(f => Columns.TypeOf(f.DataType)), snapshot.Schema.FieldsList.Select(f => Columns.TypeOf(f.DataType)));
        foreach (var batch in await ReadAsync(snapshot, new ScanRequest(All, BatchSize: 30)))
        {
            Assert.Equal(snapshot.Schema.FieldsList.Select(f => f.DataType.TypeId), batch.Batch.Schema.FieldsList.Select(f => f.DataType.TypeId));
            Assert.Equal(snapshot.Schema.FieldsList.Select(f => f.DataType.TypeId), batch.Batch.Arrays.Select(a => a.Data.DataType.TypeId));
        }
    }

    [Fact]
    public async Task Batches_keep_to_their_size_and_know_their_file_and_row()
    {
        var files = new[] { await WriteAsync("a", TestTable.Create(2500)), await WriteAsync("b", TestTable.Create(701, 2, 10_000)) };
        using var snapshot = await Open(files).OpenAsync(default);
        var next = new Dictionary<string, long>();
        foreach (var batch in await ReadAsync(snapshot, new ScanRequest(["id"], BatchSize: 100)))
        {
            Assert.InRange(batch.Batch.Length, 1, 100);
            Assert.Equal(next.GetValueOrDefault(batch.File), batch.FirstRow);
            var first = (long)Columns.ValueAt(Columns.Normalize(batch.Batch.Column(0)), 0)!;
            Assert.Equal(batch.File == files[0] ? batch.FirstRow : 10_000 + batch.FirstRow, first);
            next[batch.File] = batch.FirstRow + batch.Batch.Length;
        }
        Assert.Equal([2500, 701], next.Values);
    }

    [Fact]
    public async Task Files_are_read_in_ordinal_order_of_their_paths()
    {
        string[] files = [await WriteAsync("b", TestTable.Create(10, 2, 20)), await WriteAsync("a", TestTable.Create(10)), await WriteAsync("B", TestTable.Create(10, 3, 40))];
        using var snapshot = await Open(files).OpenAsync(default);
        Assert.Equal(files.Order(StringComparer.Ordinal), snapshot.Files.Select(f => f.Path));
        Assert.Equal(files.Order(StringComparer.Ordinal), (await ReadAsync(snapshot, new ScanRequest(["id"]))).Select(b => b.File).Distinct());
    }

    [Fact]
    public async Task Only_the_columns_asked_for_come_in_the_order_asked_for()
    {
        var table = TestTable.Create(300);
        using var snapshot = await Open(await WriteAsync("a", table)).OpenAsync(default);
        string[] wanted = ["day", "id", "text"];
        var batches = await ReadAsync(snapshot, new ScanRequest(wanted));
        Assert.All(batches, b => Assert.Equal(wanted, b.Batch.Schema.FieldsList.Select(f => f.Name)));
        Assert.Equal(TestTable.Rows(TestTable.Select(table, wanted)), Rows(batches));
    }

    [Fact]
    public async Task Rows_can_be_counted_without_any_column()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(300))).OpenAsync(default);
        Assert.Equal(300, (await ReadAsync(snapshot, new ScanRequest([], BatchSize: 70))).Sum(b => b.Batch.Length));
    }

    [Fact]
    public async Task A_missing_column_is_named_with_those_that_exist()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(3))).OpenAsync(default);
        var error = await Assert.ThrowsAsync<DataException>(() => ReadAsync(snapshot, new ScanRequest(["id", "nope"])));
        Assert.Contains("'nope'", error.Message, StringComparison.Ordinal);
        Assert.Contains("amount", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fragments_are_pieces_of_the_table_in_row_order()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(400)), await WriteAsync("b", TestTable.Create(50, 2))).OpenAsync(default);
        var whole = Rows(await ReadAsync(snapshot, new ScanRequest(All)));
        var pieces = new List<string>();
        foreach (var fragment in snapshot.Fragments)
        {
            var piece = await ReadAsync(snapshot, new ScanRequest(All, [fragment.Ordinal]));
            Assert.All(piece, b => Assert.Equal(snapshot.Files[fragment.File].Path, b.File));
            Assert.Equal(fragment.FirstRow, piece[0].FirstRow);
            if (fragment.Rows >= 0) Assert.Equal(fragment.Rows, piece.Sum(b => b.Batch.Length));
            pieces.AddRange(Rows(piece));
        }
        Assert.Equal(whole, pieces);
    }

    [Fact]
    public async Task Readers_at_the_same_time_do_not_disturb_each_other()
    {
        var table = TestTable.Create(20_000);
        using var snapshot = await Open(await WriteAsync("a", table)).OpenAsync(default);
        var expected = TestTable.Rows(table);
        var reads = await Task.WhenAll(Enumerable.Range(1, 4).Select(i => Task.Run(() => ReadAsync(snapshot, new ScanRequest(All, BatchSize: 1000 * i)))));
        Assert.All(reads, r => Assert.Equal(expected, Rows(r)));
    }

    [Fact]
    public async Task A_replaced_file_is_never_read_half_old_and_half_new()
    {
        var old = TestTable.Create(3000);
        var path = await WriteAsync("a", old);
        using var snapshot = await Open(path).OpenAsync(default);
        snapshot.Verify();
        File.Move(await WriteAsync("z", TestTable.Create(3000, 9)), path, overwrite: true);
        Assert.Contains(path, Assert.Throws<InputChangedException>(snapshot.Verify).Message, StringComparison.Ordinal);
        if (ReadsReplacedFiles) Assert.Equal(TestTable.Rows(old), Rows(await ReadAsync(snapshot, new ScanRequest(All))));
        else await Assert.ThrowsAsync<InputChangedException>(() => ReadAsync(snapshot, new ScanRequest(All)));
    }

    [Fact]
    public async Task A_file_that_was_written_to_or_removed_fails_verification()
    {
        var (touched, removed) = (await WriteAsync("a", TestTable.Create(30)), await WriteAsync("b", TestTable.Create(30)));
        using var first = await Open(touched).OpenAsync(default);
        File.SetLastWriteTimeUtc(touched, new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Assert.Contains(touched, Assert.Throws<InputChangedException>(first.Verify).Message, StringComparison.Ordinal);
        using var second = await Open(removed).OpenAsync(default);
        File.Delete(removed);
        Assert.Contains(removed, Assert.Throws<InputChangedException>(second.Verify).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_is_named()
    {
        var path = await WriteAsync("a", TestTable.Create(3));
        File.Delete(path);
        var error = await Assert.ThrowsAsync<DataException>(() => Open(path).OpenAsync(default));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Identity_follows_the_content()
    {
        var path = await WriteAsync("a", TestTable.Create(30));
        using var first = await Open(path).OpenAsync(default);
        using var again = await Open(path).OpenAsync(default);
        Assert.Equal(first.Files, again.Files);
        File.Move(await WriteAsync("z", TestTable.Create(31)), path, overwrite: true);
        using var other = await Open(path).OpenAsync(default);
        Assert.NotEqual(first.Files[0].Digest, other.Files[0].Digest);
    }

    [Fact]
    public async Task Cancelling_stops_a_read()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(5000))).OpenAsync(default);
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var batch in snapshot.ReadAsync(new ScanRequest(All, BatchSize: 10), cancel.Token))
            {
                batch.Dispose();
                await cancel.CancelAsync();
            }
        });
    }

    [Fact]
    public async Task Statistics_hold_for_every_row()
    {
        using var snapshot = await Open(await WriteAsync("a", TestTable.Create(2000))).OpenAsync(default);
        foreach (var fragment in snapshot.Fragments)
        {
            foreach (var batch in await ReadAsync(snapshot, new ScanRequest(All, [fragment.Ordinal])))
                for (var c = 0; c < All.Length; c++) Bounded(fragment.Statistics.GetValueOrDefault(All[c]), Columns.Normalize(batch.Batch.Column(c)));
        }
    }

    static void Bounded(ColumnStatistics? statistics, IArrowArray column)
    {
        for (var row = 0; statistics is not null && row < column.Length; row++)
        {
            if (Columns.ValueAt(column, row) is not { } value) Assert.NotEqual(0, statistics.Nulls);
            else if (value is string text) Assert.True(string.CompareOrdinal((string)statistics.Min!, text) <= 0 && string.CompareOrdinal(text, (string)statistics.Max!) <= 0);
            else Assert.InRange((IComparable)value, (IComparable)statistics.Min!, (IComparable)statistics.Max!);
        }
    }

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
