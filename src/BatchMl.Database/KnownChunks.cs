using System.Text.Json;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>
/// What each chunk of a table with watermarks was when its file was made. A chunk that is still the same keeps its file without being read. Without this file, and with one of another database, another query or other columns, nothing is known and all is read.
/// </summary>
/// <param name="path">Where it is kept, beside the table's versions.</param>
/// <param name="table">The table.</param>
/// <param name="columns">Those that are copied.</param>
sealed class KnownChunks(string path, DatabaseTable table, IReadOnlyList<ReaderColumn> columns)
{
    /// <summary>A chunk's rows, their watermarks, and the name of the file that was made of them.</summary>
    public sealed record State(long Rows, string? Watermarks, string File)
    {
        public bool Is(TableReading.Chunk chunk) => (Rows, Watermarks) == (chunk.Rows, chunk.Watermarks);
    }

    sealed record Content(string Of, Dictionary<string, State> Chunks);

    // All that a file depends on beside its rows.
    string Of => string.Join('\n', [table.Dataset.Namespace, table.Dataset.Name, table.Table ?? table.Sql, table.PartitionBy, table.Watermark, table.WatermarkDigest, .. columns.Select(c => $"{c.Name} {c.Field.DataType.Name}")]);

    /// <summary>By the chunk's id.</summary>
    /// <exception cref="DataException">The file is damaged.</exception>
    public IReadOnlyDictionary<string, State> Read()
    {
        try
        {
            return File.Exists(path) && JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path)) is { Of: var those, Chunks: { } chunks } && those == Of ? chunks : new Dictionary<string, State>();
        }
        catch (JsonException e)
        {
            throw new DataException($"{path} is damaged: {e.Message} Remove it; the next plan reads the whole table and writes it again.", e);
        }
    }

    /// <summary>For the next plan. Of two plans at once either may be the last: each state goes with a file that was made of it.</summary>
    public void Write(Dictionary<string, State> chunks) => DurableFiles.AtomicReplace(path, JsonSerializer.SerializeToUtf8Bytes(new Content(Of, chunks)));

    /// <summary>Nothing is known any more.</summary>
    public void Forget() => File.Delete(path);
}
