using System.Text;

namespace BatchMl.Expressions;

/// <summary>
/// UTF-8 text in memory that outlives the row: a column's, a constant's or the row's own <see cref="TextArena"/>. Only compiled loops use it, on pinned memory.
/// </summary>
readonly unsafe struct Text(nint address, int length)
{
    internal ReadOnlySpan<byte> Span => new((void*)address, length);

    internal static Text Load(nint offsets, nint bytes, int row)
    {
        var start = ((int*)offsets)[row];
        return new Text(bytes + start, ((int*)offsets)[row + 1] - start);
    }

    internal static bool Same(Text a, Text b) => a.Span.SequenceEqual(b.Span);

    internal static int Compare(Text a, Text b) => a.Span.SequenceCompareTo(b.Span);

    // On well-formed UTF-8, prefixes and parts by bytes are the ordinal ones.
    internal static bool StartsWith(Text a, Text b) => a.Span.StartsWith(b.Span);

    internal static bool EndsWith(Text a, Text b) => a.Span.EndsWith(b.Span);

    internal static bool Contains(Text a, Text b) => a.Span.IndexOf(b.Span) >= 0;

    internal static long Length(Text a) => Encoding.UTF8.GetCharCount(a.Span);

    internal Text Slice(int start, int count) => new(address + start, count);

    /// <summary>As .NET text; what a user's function takes.</summary>
    internal static string Decode(Text a) => Encoding.UTF8.GetString(a.Span);
}
