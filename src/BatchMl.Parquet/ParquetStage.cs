using System.Security.Cryptography;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;
using ParquetSharp;
using ParquetSharp.Arrow;

namespace BatchMl.Parquet;

/// <summary>One attempt's files, in a staging folder of their own until they are published.</summary>
sealed class ParquetStage : IBatchStage
{
    // Rows are written in blocks and row groups of exactly so many rows: the file's bytes do not depend on how the rows came.
    const int BlockRows = 65_536;

    static readonly int[] everyRow = [.. Enumerable.Range(0, BlockRows)];

    readonly PartitionKey key;
    readonly long fence;
    readonly string root, folder;
    readonly Schema schema, fileSchema;
    readonly PartitionColumn partition;
    readonly ParquetLayout layout;
    readonly int[] fileColumns;
    readonly ContentDigest digest;
    readonly List<StagedFile> files = [];
    readonly List<RecordBatch> pending = [];
    readonly HashingStream stream;
    readonly FileWriter writer;
    int pendingRows;
    long rows, deadLetters;
    bool completed, closed;

    ParquetStage(string root, PartitionKey key, long fence, Schema schema, PartitionColumn partition, ParquetLayout layout, Func<string, Stream> create)
    {
        (this.root, this.key, this.fence, this.schema, this.partition, this.layout) = (root, key, fence, schema, partition, layout);
        folder = Path.Combine(root, PartitionFolders.Staged(key, fence));
        fileColumns = [.. Enumerable.Range(0, schema.FieldsList.Count).Where(i => layout.ForOtherReaders || i != partition.Index)];
        fileSchema = new Schema(fileColumns.Select(schema.GetFieldByIndex).Select(f => new Field(f.Name, f.DataType, layout.ForOtherReaders || f.IsNullable)), null);
        digest = new ContentDigest(schema);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        DurableFiles.CreateFolder(folder);
        stream = new HashingStream(create(Path.Combine(folder, PartitionFolders.Data(fence))));
        try
        {
            writer = OpenWriter();
        }
        catch
        {
            stream.Dispose();
            DurableFiles.RemoveFolder(folder);
            throw;
        }
    }

    /// <exception cref="BatchMlException">The place is not writable.</exception>
    public static ParquetStage Open(string root, PartitionKey key, long fence, Schema schema, ParquetLayout layout, Func<string, Stream> create)
    {
        var partition = new PartitionColumn(key, schema);
        var folder = Path.Combine(root, PartitionFolders.Staged(key, fence));
        try
        {
            return new ParquetStage(root, key, fence, schema, partition, layout, create);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(folder, e);
        }
    }

    static BatchMlException Unwritable(string folder, Exception e) => new(
        $"{folder} can not be written to: {e.Message} Expected a writable folder of a local file system with free space; mend it, or choose another.", IsFull(e) ? FailureKind.Transient : FailureKind.Permanent, e);

    // ENOSPC; EDQUOT of Linux and of macOS.
    static bool IsFull(Exception e) => e is IOException { HResult: 28 or 122 or 69 };

    FileWriter OpenWriter()
    {
        try
        {
            return ParquetFile.Writer(stream, fileSchema, layout.ForOtherReaders);
        }
        catch (Exception e) when (stream.Failure is null && e is not IOException)
        {
            throw new DefinitionException($"{key} can not be written as Parquet: {e.Message} Expected columns of other types than [{Text(fileSchema)}]; convert or leave out.");
        }
    }

    public Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        CheckSchema(batch);
        partition.Check(batch, rows);
        for (var from = 0; from < batch.Length;)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(BlockRows - pendingRows, batch.Length - from);
            var slice = new RecordBatch(schema, batch.Arrays.Select(a => ArrowArrayFactory.Slice(a, from, count)), count);
            if (count == BlockRows) WriteBlock(slice);
            else Keep(slice);
            from += count;
        }
        rows += batch.Length;
        return Task.CompletedTask;
    }

    // A copy: the batch stays the caller's, who may free its memory.
    void Keep(RecordBatch slice)
    {
        pending.Add(new RecordBatch(schema, slice.Arrays.Select(a => Columns.Take(a, everyRow.AsSpan(0, slice.Length))), slice.Length));
        pendingRows += slice.Length;
        if (pendingRows == BlockRows) WritePending();
    }

    void WritePending()
    {
        if (pendingRows == 0) return;
        WriteBlock(new RecordBatch(schema, Enumerable.Range(0, schema.FieldsList.Count).Select(c => Columns.Concat([.. pending.Select(b => b.Column(c))])), pendingRows));
        pending.Clear();
        pendingRows = 0;
    }

    void WriteBlock(RecordBatch block)
    {
        digest.Add(block);
        var inFile = new RecordBatch(fileSchema, fileColumns.Select(block.Column), block.Length);
        Io(() => writer.WriteBufferedRecordBatch(inFile));
    }

    void CheckSchema(RecordBatch batch)
    {
        var got = batch.Schema.FieldsList;
        var differs = got.Count != schema.FieldsList.Count
            || got.Zip(schema.FieldsList).Any(f => f.First.Name != f.Second.Name || f.First.DataType.TypeId != f.Second.DataType.TypeId);
        if (differs)
            throw new BatchMlException($"A batch for {key} has columns [{Text(batch.Schema)}]; expected [{Text(schema)}], as the partition was opened with.", FailureKind.Bug);
        for (var c = 0; c < got.Count; c++)
        {
            if (!schema.FieldsList[c].IsNullable && batch.Column(c).NullCount > 0)
                throw new DataException($"Column '{got[c].Name}' of {key} has {batch.Column(c).NullCount} nulls in rows {rows} to {rows + batch.Length - 1}; expected none, it is declared not nullable. Correct the rows or the declaration.");
        }
    }

    static string Text(Schema schema) => string.Join(", ", schema.FieldsList.Select(f => $"{f.Name}: {LineageTypes.Text(f.DataType)}"));

    public Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel)
    {
        if (kind == FileKind.Data || Path.GetFileName(name) != name || name.Length == 0)
            throw new ArgumentException($"'{name}' of kind {kind}: expected a file name without folder, of a kind other than {FileKind.Data}.", nameof(name));
        cancel.ThrowIfCancellationRequested();
        var staged = PartitionFolders.Other(name, fence);
        if (files.Exists(f => f.Name == staged)) throw new ArgumentException($"{name} was added before.", nameof(name));
        Io(() => DurableFiles.Write(Path.Combine(folder, staged), content.Span));
        files.Add(new StagedFile(kind, staged, rows, content.Length, Convert.ToHexStringLower(SHA256.HashData(content.Span))));
        if (kind == FileKind.DeadLetters) deadLetters += rows;
        return Task.CompletedTask;
    }

    public Task<StagedPartition> CompleteAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        WritePending();
        Io(writer.Close);
        var data = new StagedFile(FileKind.Data, PartitionFolders.Data(fence), rows, stream.Length, stream.Sha256());
        Io(CloseFile);
        var path = Path.Combine(folder, data.Name);
        Io(() =>
        {
            DurableFiles.FsyncFile(path);
            DurableFiles.FsyncFolder(folder);
        });
        using (var written = PinnedFile.Open(path)) data = data with { Footer = written.Identity.Digest };
        completed = true;
        return Task.FromResult(new StagedPartition(
            key, fence, Path.GetRelativePath(root, folder), [data, .. files], rows, deadLetters, digest.Finish(), PartitionColumn.Describe(schema)));
    }

    void Io(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || stream.Failure is not null)
        {
            var cause = stream.Failure ?? e;
            throw new BatchMlException(
                $"{folder} can not be written to ({key}): {cause.Message} Nothing of this attempt is visible. Free space or mend the disk; the attempt is repeated.", FailureKind.Transient, cause);
        }
    }

    void CloseFile()
    {
        if (closed) return;
        closed = true;
        try
        {
            writer.Dispose();
        }
        catch (Exception e) when (!completed && e is not OutOfMemoryException)
        {
            // An abandoned file has no footer to lose.
        }
        stream.Dispose();
    }

    void Abandon()
    {
        try
        {
            CloseFile();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What did not fit on the disk before does not fit now, and is removed anyway.
        }
        DurableFiles.RemoveFolder(folder);
    }

    public ValueTask DisposeAsync()
    {
        if (completed) CloseFile();
        else Abandon();
        return ValueTask.CompletedTask;
    }
}
