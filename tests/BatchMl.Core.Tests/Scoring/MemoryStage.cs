using System.Text;
using System.Text.Json.Nodes;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Core.Tests.Scoring;

/// <summary>A stage that keeps rows as text and files as they are; may fail at its n-th write.</summary>
sealed class MemoryStage : IBatchStage
{
    public readonly List<string> Lines = [];
    public readonly List<long> Ids = [];
    public readonly Dictionary<string, byte[]> Files = [];
    public int FailAtWrite = -1;
    public bool FailAtFile;
    int writes;

    public IReadOnlyList<JsonNode> Letters => Files.TryGetValue("dead_letters.ndjson", out var bytes)
        ? [.. System.Text.Encoding.UTF8.GetString(bytes).TrimEnd('\n').Split('\n').Select(line => JsonNode.Parse(line)!)] : [];

    public async Task WriteAsync(RecordBatch batch, CancellationToken cancel)
    {
        await Task.Yield();
        if (writes++ == FailAtWrite) throw new IOException("the disk is full");
        for (var row = 0; row < batch.Length; row++)
        {
            var line = new StringBuilder();
            for (var column = 0; column < batch.ColumnCount; column++) line.Append(Columns.ValueAt(batch.Column(column), row)).Append('|');
            Lines.Add(line.ToString());
            Ids.Add((long)Columns.ValueAt(batch.Column("id"), row)!);
        }
    }

    public Task AddFileAsync(FileKind kind, string name, ReadOnlyMemory<byte> content, long rows, CancellationToken cancel)
    {
        if (FailAtFile) throw new IOException("no more files");
        Assert.Equal(FileKind.DeadLetters, kind);
        Files.Add(name, content.ToArray());
        Assert.Equal(rows, Letters.Count);
        return Task.CompletedTask;
    }

    public Task<StagedPartition> CompleteAsync(CancellationToken cancel) => throw new InvalidOperationException("The pipeline completes no stage.");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
