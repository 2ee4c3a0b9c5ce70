using System.Text;

namespace BatchMl.BigQuery.Source;

/// <summary>Rows on their way, as lines in a file for each chunk: BigQuery gives them in an order of its own, and all of them may not fit into memory.</summary>
/// <param name="folder">An empty folder.</param>
sealed class RowSpool(string folder)
{
    const int Held = 32 << 20;

    readonly Dictionary<string, StringBuilder> chunks = new(StringComparer.Ordinal);
    int held;

    /// <summary>Rows so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Chunks in order.</summary>
    public IReadOnlyList<string> Chunks => [.. chunks.Keys.Order(StringComparer.Ordinal)];

    public void Add(string chunk, string line)
    {
        if (!chunks.TryGetValue(chunk, out var text)) chunks[chunk] = text = new StringBuilder();
        text.Append(line).Append('\n');
        held += line.Length + 1;
        Rows++;
        if (held > Held) Flush();
    }

    /// <summary>Lines of a chunk. In one order, whatever order they came in, where <paramref name="isSorted"/>: then they are all in memory at once.</summary>
    public IEnumerable<string> Lines(string chunk, bool isSorted)
    {
        Flush();
        var lines = File.ReadLines(PathOf(chunk));
        return isSorted ? lines.ToArray().Order(StringComparer.Ordinal) : lines;
    }

    void Flush()
    {
        foreach (var (chunk, text) in chunks)
        {
            if (text.Length == 0) continue;
            File.AppendAllText(PathOf(chunk), text.ToString(), new UTF8Encoding(false));
            text.Clear();
        }
        held = 0;
    }

    string PathOf(string chunk) => Path.Combine(folder, chunk);
}
