using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace BatchMl.Data;

/// <summary>
/// Rows on disk, bucket by bucket: one Arrow IPC stream per bucket, appended in the order in which rows come. Nothing is sorted and nothing is converted, so a bucket is read back at the speed of the disk, with
/// the types that went in. The files have no names once they are open: a process that is killed leaves nothing but an empty folder.
/// </summary>
public sealed class FileSpill : ISpill
{
    const int FileBufferBytes = 32_768;

    readonly Schema schema;
    readonly string folder;
    readonly long limit;
    readonly List<RecordBatch>[] pending;
    readonly FileStream?[] files;
    readonly ArrowStreamWriter?[] writers;
    long pendingBytes;
    bool reading;

    FileSpill(string folder, long memoryBytes, Schema schema, int bucketCount)
    {
        if (schema.FieldsList.FirstOrDefault(f => f.DataType is DictionaryType) is { } dictionary)
            throw new ArgumentException($"Column '{dictionary.Name}' is a dictionary; normalise it before it is spilled.", nameof(schema));
        ArgumentOutOfRangeException.ThrowIfLessThan(bucketCount, 1);
        (this.schema, this.folder) = (schema, folder);
        // Rows wait in memory, and are copied once more when they are joined to be written.
        limit = Math.Max(memoryBytes / 4, 1 << 20);
        pending = [.. Enumerable.Range(0, bucketCount).Select(_ => new List<RecordBatch>())];
        files = new FileStream?[bucketCount];
        writers = new ArrowStreamWriter?[bucketCount];
        Io(() => Directory.CreateDirectory(folder));
    }

    /// <summary>Spills in folders of their own below <paramref name="folder"/>, each removed with its spill.</summary>
    /// <param name="folder">Made when first needed.</param>
    /// <param name="memoryBytes">What a spill may hold in memory; at least 4 MiB are taken.</param>
    public static SpillFactory Factory(string folder, long memoryBytes) =>
        (schema, buckets) => new FileSpill(Path.Combine(folder, Guid.NewGuid().ToString("N")), memoryBytes, schema, buckets);

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">The disk is full or failed (transient).</exception>
    public void Add(RecordBatch batch, ReadOnlySpan<int> buckets)
    {
        if (reading) throw new InvalidOperationException("A spill that is being read takes no more rows.");
        if (buckets.Length != batch.Length) throw new ArgumentException($"{buckets.Length} buckets for {batch.Length} rows.", nameof(buckets));
        var starts = new int[files.Length + 1];
        foreach (var bucket in buckets) starts[bucket + 1]++;
        for (var b = 0; b < files.Length; b++) starts[b + 1] += starts[b];
        var rows = new int[batch.Length];
        var next = starts.AsSpan(0, files.Length).ToArray();
        for (var row = 0; row < buckets.Length; row++) rows[next[buckets[row]]++] = row;
        for (var b = 0; b < files.Length; b++)
        {
            var mine = rows.AsSpan(starts[b]..starts[b + 1]).ToArray();
            if (mine.Length == 0) continue;
            var taken = new RecordBatch(schema, batch.Arrays.Select(a => Columns.Take(a, mine)), mine.Length);
            pending[b].Add(taken);
            pendingBytes += taken.Arrays.Sum(a => BytesOf(a.Data));
        }
        if (pendingBytes > limit) Flush();
    }

    static long BytesOf(ArrayData data) => data.Buffers.Sum(b => (long)b.Length) + (data.Children?.Sum(BytesOf) ?? 0);

    void Flush() => Io(() =>
    {
        for (var b = 0; b < files.Length; b++)
        {
            if (pending[b].Count == 0) continue;
            var rows = pending[b].Sum(p => p.Length);
            var joined = new RecordBatch(schema, Enumerable.Range(0, schema.FieldsList.Count).Select(c => Columns.Concat([.. pending[b].Select(p => p.Column(c))])), rows);
            (writers[b] ??= new ArrowStreamWriter(files[b] = OpenFile(b), schema, leaveOpen: true)).WriteRecordBatch(joined);
            // Arrow writes from spans, which keep nothing alive: a collection meanwhile would free the memory of a batch that nobody names any more.
            GC.KeepAlive(joined);
            pending[b].Clear();
        }
        pendingBytes = 0;
    });

    FileStream OpenFile(int bucket)
    {
        var path = Path.Combine(folder, $"{bucket}.arrow");
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileBufferBytes);
        File.Delete(path);
        return file;
    }

    /// <inheritdoc/>
    /// <exception cref="BatchMlException">The disk failed (transient).</exception>
    public async IAsyncEnumerable<RecordBatch> ReadBucketAsync(int bucket, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        if (!reading)
        {
            reading = true;
            Flush();
            Io(() =>
            {
                foreach (var writer in writers) writer?.WriteEnd();
                foreach (var file in files) file?.Flush();
            });
        }
        if (files[bucket] is not { } stream) yield break;
        stream.Position = 0;
        using var reader = new ArrowStreamReader(stream, leaveOpen: true);
        while (await reader.ReadNextRecordBatchAsync(cancel) is { } batch) yield return batch;
    }

    void Io(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"{folder} can not be spilled to: {e.Message} Free space, or allow more memory so that nothing has to be spilled; the attempt is repeated.", FailureKind.Transient, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var writer in writers) writer?.Dispose();
        foreach (var file in files) file?.Dispose();
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
