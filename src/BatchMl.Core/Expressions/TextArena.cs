using System.Text;

namespace BatchMl.Expressions;

/// <summary>Where text that a row computes lives until the row ends: pinned, reused, so that rows allocate nothing once it is large enough.</summary>
sealed class TextArena
{
    byte[] chunk = GC.AllocateUninitializedArray<byte>(1024, pinned: true);
    int used;

    // Chunks that the row has outgrown are kept alive until it ends.
    readonly List<byte[]> outgrown = [];

    internal void Reset()
    {
        used = 0;
        if (outgrown.Count > 0) outgrown.Clear();
    }

    internal Text Concat(Text a, Text b)
    {
        var result = Allocate(a.Span.Length + b.Span.Length, out var text);
        a.Span.CopyTo(result);
        b.Span.CopyTo(result[a.Span.Length..]);
        return text;
    }

    internal Text Lower(Text a)
    {
        if (!Ascii.IsValid(a.Span)) return Encode(Text.Decode(a).ToLowerInvariant());
        Ascii.ToLower(a.Span, Allocate(a.Span.Length, out var text), out _);
        return text;
    }

    internal Text Upper(Text a)
    {
        if (!Ascii.IsValid(a.Span)) return Encode(Text.Decode(a).ToUpperInvariant());
        Ascii.ToUpper(a.Span, Allocate(a.Span.Length, out var text), out _);
        return text;
    }

    internal Text Trim(Text a)
    {
        var trimmed = Ascii.Trim(a.Span);
        return Ascii.IsValid(a.Span) ? a.Slice(trimmed.Start.Value, trimmed.End.Value - trimmed.Start.Value) : Encode(Text.Decode(a).Trim());
    }

    internal Text Substring(Text a, long start, long length)
    {
        var ascii = Ascii.IsValid(a.Span);
        var units = ascii ? a.Span.Length : Encoding.UTF8.GetCharCount(a.Span);
        var from = (int)Math.Clamp(start, 0, units);
        var count = (int)Math.Clamp(length, 0, units - from);
        return ascii ? a.Slice(from, count) : Encode(Text.Decode(a).Substring(from, count));
    }

    /// <summary>Halves of surrogate pairs become U+FFFD.</summary>
    internal Text Encode(string text)
    {
        Encoding.UTF8.GetBytes(text, Allocate(Encoding.UTF8.GetByteCount(text), out var result));
        return result;
    }

    unsafe Span<byte> Allocate(int length, out Text text)
    {
        if (length > chunk.Length - used)
        {
            outgrown.Add(chunk);
            chunk = GC.AllocateUninitializedArray<byte>(Math.Max(length, Math.Min(2 * chunk.Length, 1 << 20)), pinned: true);
            used = 0;
        }
        var span = chunk.AsSpan(used, length);
        fixed (byte* start = span) text = new Text((nint)start, length);
        used += length;
        return span;
    }
}
