using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>One attempt's files, in a staging folder of their own until they are published.</summary>
sealed class ParquetStage : IBatchStage
{
    // Rows are written in blocks of exactly this many, so that the bytes do not depend on how they came.
    const int BlockRows = 65_536;

    readonly PartitionKey key;
    readonly long fence;
    readonly string root, folder;
    readonly Schema schema;
    readonly int[] columns;
    readonly ContentDigest digest;
    readonly List<StagedFile> files = [];
    readonly List<RecordBatch> pending = [];
    int pendingRows;
    long rows, deadLetters;
    FileWriter? writer;
    bool completed;

    public ParquetStage(string root, string relative, PartitionKey key, long fence, Schema schema)
    {
        (this.root, this.key, this.fence) = (root, key, fence);
        folder = Path.Combine(root, relative);
        Relative = relative;
        // The partition column is in the folder's name: readers of Hive folders add it, and would be confused to find it twice.
        columns = [.. Enumerable.Range(0, schema.FieldsList.Count).Where(i => schema.FieldsList[i].Name != key.Column)];
        this.schema = new Schema(columns.Select(i => schema.FieldsList[i]), null);
        digest = new ContentDigest(this.schema);
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
            writer = Open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ParquetException)
        {
            throw new BatchMlException($"{folder} can not be written to: {e.Message} Expected a writable local folder with free space; mend it, or choose another with --workspace.", FailureKind.Permanent, e);
        }
    }

    string Relative { get; }

    string DataName => $"part-{fence:D10}-0.parquet";

    FileWriter Open()
    {
        using var builder = new WriterPropertiesBuilder();
        builder.Compression(Compression.Zstd).CompressionLevel(1).EnablePageChecksum().CreatedBy("BatchMl");
        using var properties = builder.Build();
        return new FileWriter(Path.Combine(folder, DataName), schema, properties);
    }

    public Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (batch.Length == 0) return Task.CompletedTask;
        // A copy: the batch stays the caller's, and may be native memory that goes with it.
        var identity = Enumerable.Range(0, batch.Length).ToArray();
        pending.Add(new RecordBatch(schema, columns.Select(i => Columns.Take(batch.Column(i), identity)), batch.Length));
        pendingRows += batch.Length;
        rows += batch.Length;
        if (pendingRows >= BlockRows) WriteBlocks(all: false);
        return Task.CompletedTask;
    }

    void WriteBlocks(bool all)
    {
        var joined = pending.Count == 1
            ? pending[0] : new RecordBatch(schema, Enumerable.Range(0, columns.Length).Select(c => Columns.Concat([.. pending.Select(b => b.Column(c))])), pendingRows);
        pending.Clear();
        var done = 0;
        while (pendingRows - done >= BlockRows || (all && done < pendingRows))
        {
            var count = Math.Min(BlockRows, pendingRows - done);
            var block = new RecordBatch(schema, joined.Arrays.Select(a => ArrowArrayFactory.Slice(a, done, count)), count);
            digest.Add(block);
            Io(() => writer!.WriteBufferedRecordBatch(block));
            done += count;
        }
        if (done < pendingRows) pending.Add(new RecordBatch(schema, joined.Arrays.Select(a => ArrowArrayFactory.Slice(a, done, pendingRows - done)), pendingRows - done));
        pendingRows -= done;
    }

    public async Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel)
    {
        var dot = name.LastIndexOf('.');
        var staged = $"_{name[..dot]}-{fence:D10}{name[dot..]}";
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, staged), content, cancel);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
        files.Add(new StagedFile(kind, staged, rows, content.Length, Convert.ToHexStringLower(SHA256.HashData(content.Span))));
        if (kind == FileKind.DeadLetters) deadLetters += rows;
    }

    public async Task<StagedPartition> CompleteAsync(CancellationToken cancel)
    {
        if (pendingRows > 0) WriteBlocks(all: true);
        Io(() => writer!.Close());
        writer!.Dispose();
        writer = null;
        var path = Path.Combine(folder, DataName);
        await using (var stream = File.OpenRead(path))
        {
            files.Insert(0, new StagedFile(FileKind.Data, DataName, rows, stream.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancel))));
        }
        try
        {
            foreach (var file in files) DurableFiles.FsyncFile(Path.Combine(folder, file.Name));
            DurableFiles.FsyncFolder(folder);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
        completed = true;
        return new StagedPartition(key, fence, Relative, files, rows, deadLetters, digest.Finish(), SchemaJson());
    }

    string SchemaJson() => JsonSerializer.Serialize(schema.FieldsList.Select(f => new { name = f.Name, type = LineageTypes.Text(f.DataType), nullable = f.IsNullable }));

    void Io(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or ParquetException)
        {
            throw Failed(e);
        }
    }

    BatchMlException Failed(Exception e) => new(
        $"{folder} could not be written ({key}): {e.Message.Split('\n')[0]} Nothing of this attempt is visible. Free space or mend the disk; the attempt is repeated.", FailureKind.Transient, e);

    public ValueTask DisposeAsync()
    {
        writer?.Dispose();
        writer = null;
        if (!completed && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
