using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Database;

/// <summary>Writes rows that come chunk by chunk into a file per chunk, named by its value and the digest of its rows.</summary>
/// <param name="folder">Where.</param>
/// <param name="columns">After the chunk's value, which is a row's first.</param>
/// <param name="known">Files of earlier versions, by name.</param>
/// <param name="create">Makes a Parquet file.</param>
sealed class ChunkFiles(string folder, IReadOnlyList<ReaderColumn> columns, IReadOnlyDictionary<string, string> known, TableFileFactory create) : IDisposable
{
    // Always so many, so that the same rows are the same file.
    const int BatchRows = 1 << 16;

    readonly Schema schema = new([.. columns.Select(c => c.Field)], null);
    readonly RowDigest digest = new();
    readonly List<ChunkFile> made = [];
    Chunk? chunk;
    int pending;

    sealed record Chunk(string? Value, string Path, ITableFile File)
    {
        public long Rows { get; set; }
    }

    /// <summary>The files so far; all of them after <see cref="Finish"/>.</summary>
    public IReadOnlyList<ChunkFile> Made => made;

    /// <summary>A column's value as a chunk's, which is a text; null: NULL.</summary>
    public static string? ValueOf(DbDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : Convert.ToString(reader.GetValue(ordinal), CultureInfo.InvariantCulture);

    /// <summary>What a chunk's files begin with.</summary>
    public static string IdOf(string? value) => value is null ? "null" : Hex(SHA256.HashData(Encoding.UTF8.GetBytes(value)))[..24];

    /// <summary>Whether an earlier version has a file of this name.</summary>
    public bool IsKnown(string name) => known.ContainsKey(name);

    /// <summary>Takes the file of an earlier version instead of a chunk's rows.</summary>
    public void Keep(string id, string name)
    {
        DurableFiles.Link(known[name], Path.Combine(folder, name));
        made.Add(new ChunkFile(id, name, null));
    }

    /// <summary>Takes the reader's row.</summary>
    public void Add(DbDataReader reader)
    {
        var value = ValueOf(reader, 0);
        if (chunk is null || chunk.Value != value)
        {
            Close();
            var path = Path.Combine(folder, "writing");
            chunk = new Chunk(value, path, create(path, schema));
        }
        chunk.Rows++;
        for (var c = 0; c < columns.Count; c++) columns[c].Add(reader, c + 1, digest);
        if (++pending == BatchRows) Write();
    }

    void Write()
    {
        if (pending == 0) return;
        using var batch = new RecordBatch(schema, columns.Select(c => c.Build()), pending);
        chunk!.File.Write(batch);
        pending = 0;
    }

    void Close()
    {
        if (chunk is null) return;
        Write();
        chunk.File.Complete();
        // The digest is of the types too: a column that became another is another table.
        var rows = digest.Finish(string.Join(", ", columns.Select(c => $"{c.Name} {c.Field.DataType.Name}")));
        var id = IdOf(chunk.Value);
        var name = $"{id}-{Hex(rows)[..32]}.parquet";
        var path = Path.Combine(folder, name);
        if (known.TryGetValue(name, out var there))
        {
            DurableFiles.Link(there, path);
            File.Delete(chunk.Path);
        }
        else
        {
            PinnedVersions.Settle(chunk.Path);
            File.Move(chunk.Path, path);
        }
        made.Add(new ChunkFile(id, name, chunk.Rows));
        chunk.File.Dispose();
        chunk = null;
    }

    /// <summary>Closes the last file.</summary>
    /// <returns>The digest of all; null: there were no rows.</returns>
    public string? Finish()
    {
        Close();
        return made.Count == 0 ? null : Hex(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', made.Select(m => m.Name).Order(StringComparer.Ordinal)))))[..32];
    }

    /// <summary>Closes what an error left open.</summary>
    public void Dispose()
    {
        chunk?.File.Dispose();
        digest.Dispose();
    }

    static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}

/// <summary>The file of a chunk.</summary>
/// <param name="Chunk">The chunk's id.</param>
/// <param name="Name">The file's name.</param>
/// <param name="Rows">How many were read; null: it is that of an earlier version.</param>
sealed record ChunkFile(string Chunk, string Name, long? Rows);
