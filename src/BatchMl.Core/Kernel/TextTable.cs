using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace BatchMl.Kernel;

/// <summary>Dense codes of UTF-8 texts in order of first sight: open addressing over one growing run of bytes.</summary>
sealed class TextTable
{
    Slot[] slots = new Slot[1024];
    int shift = 64 - 10;
    int[] ends = new int[512];
    byte[] bytes = new byte[8192];

    public int Count { get; private set; }

    /// <summary>The text of a code.</summary>
    public ReadOnlySpan<byte> Text(int code)
    {
        var start = code == 0 ? 0 : ends[code - 1];
        return bytes.AsSpan(start, ends[code] - start);
    }

    /// <summary>The text's code; a new one where it has none yet and may be added, else -1.</summary>
    public int Code(ReadOnlySpan<byte> text, bool add)
    {
        var table = slots;
        var hash = Hash(text);
        var at = (int)(hash >> shift);
        while (table[at].CodePlusOne != 0)
        {
            if (table[at].Hash == hash && Text(table[at].CodePlusOne - 1).SequenceEqual(text)) return table[at].CodePlusOne - 1;
            at = (at + 1) & (table.Length - 1);
        }
        if (!add) return -1;
        Append(text);
        table[at] = new Slot(hash, Count);
        if (Count * 2L > table.Length) Grow();
        return Count - 1;
    }

    void Append(ReadOnlySpan<byte> text)
    {
        var start = Count == 0 ? 0 : ends[Count - 1];
        var end = checked(start + text.Length);
        if (end > bytes.Length) System.Array.Resize(ref bytes, (int)Math.Min(Array.MaxLength, Math.Max(end, bytes.Length * 2L)));
        if (Count == ends.Length) System.Array.Resize(ref ends, Count * 2);
        text.CopyTo(bytes.AsSpan(start));
        ends[Count++] = end;
    }

    void Grow()
    {
        var old = slots;
        slots = new Slot[checked(old.Length * 2)];
        shift--;
        foreach (var slot in old)
        {
            if (slot.CodePlusOne == 0) continue;
            var at = (int)(slot.Hash >> shift);
            while (slots[at].CodePlusOne != 0) at = (at + 1) & (slots.Length - 1);
            slots[at] = slot;
        }
    }

    // Keys are short as a rule: two words that cover up to 16 bytes and one multiplication; longer ones take the general hash.
    static ulong Hash(ReadOnlySpan<byte> text)
    {
        ulong first, last;
        switch (text.Length)
        {
            case > 16: return XxHash3.HashToUInt64(text);
            case >= 8:
                first = MemoryMarshal.Read<ulong>(text);
                last = MemoryMarshal.Read<ulong>(text[^8..]);
                break;
            case >= 4:
                first = MemoryMarshal.Read<uint>(text);
                last = MemoryMarshal.Read<uint>(text[^4..]);
                break;
            case > 0:
                first = text[0] | ((ulong)text[text.Length / 2] << 8);
                last = text[^1];
                break;
            default:
                first = last = 0;
                break;
        }
        var high = Math.BigMul(first ^ 0x9E3779B97F4A7C15, last ^ (0xD6E8FEB86659FD93 + (ulong)text.Length), out ulong low);
        return (high ^ low) * 0x9E3779B97F4A7C15;
    }

    readonly record struct Slot(ulong Hash, int CodePlusOne);
}
