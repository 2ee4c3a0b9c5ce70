using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace BatchMl.Kernel;

/// <summary>Dense codes of UTF-8 texts in order of first sight: open addressing over one growing run of bytes, each text after its length. Threads may look up at once while none adds.</summary>
sealed class TextTable
{
    Slot[] slots = new Slot[1024];
    int shift = 64 - 10;
    int[] starts = new int[512];
    byte[] bytes = new byte[8192];
    int end;

    public int Count { get; private set; }

    /// <summary>The text of a code.</summary>
    public ReadOnlySpan<byte> Text(int code) => TextAt(starts[code]);

    // The length lies beside the text, so that one line of memory is enough to compare.
    ReadOnlySpan<byte> TextAt(int start) => bytes.AsSpan(start + sizeof(int), MemoryMarshal.Read<int>(bytes.AsSpan(start)));

    /// <summary>Codes of texts; a new one where a text has none yet and may be added, else -1.</summary>
    /// <param name="offsets">Where each text begins in <paramref name="values"/>, and where the last one ends.</param>
    /// <param name="values">The texts' bytes.</param>
    /// <param name="codes">Takes the codes; as many as there are texts.</param>
    /// <param name="add">Whether new texts get codes.</param>
    public void Codes(ReadOnlySpan<int> offsets, ReadOnlySpan<byte> values, Span<int> codes, bool add)
    {
        Span<ulong> hashes = stackalloc ulong[Prefetch.Block];
        for (var block = 0; block < codes.Length; block += Prefetch.Block)
        {
            var count = Math.Min(Prefetch.Block, codes.Length - block);
            for (var i = 0; i < count; i++)
            {
                hashes[i] = Hash(values[offsets[block + i]..offsets[block + i + 1]]);
                Prefetch.Line(ref slots[hashes[i] >> shift]);
            }
            for (var i = 0; i < count; i++)
            {
                var slot = slots[hashes[i] >> shift];
                if (slot.CodePlusOne != 0) Prefetch.Line(ref bytes[slot.Start]);
            }
            for (var i = 0; i < count; i++) codes[block + i] = Code(values[offsets[block + i]..offsets[block + i + 1]], hashes[i], add);
        }
    }

    int Code(ReadOnlySpan<byte> text, ulong hash, bool add)
    {
        var table = slots;
        var at = (int)(hash >> shift);
        while (table[at].CodePlusOne != 0)
        {
            if (table[at].Hash == hash && TextAt(table[at].Start).SequenceEqual(text)) return table[at].CodePlusOne - 1;
            at = (at + 1) & (table.Length - 1);
        }
        if (!add) return -1;
        table[at] = new Slot(hash, Count + 1, end);
        Append(text);
        if (Count * 2L > table.Length) Grow();
        return Count - 1;
    }

    void Append(ReadOnlySpan<byte> text)
    {
        var start = end;
        end = checked(start + sizeof(int) + text.Length);
        if (end > bytes.Length) System.Array.Resize(ref bytes, (int)Math.Min(Array.MaxLength, Math.Max(end, bytes.Length * 2L)));
        if (Count == starts.Length) System.Array.Resize(ref starts, Count * 2);
        MemoryMarshal.Write(bytes.AsSpan(start), text.Length);
        text.CopyTo(bytes.AsSpan(start + sizeof(int)));
        starts[Count++] = start;
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

    readonly record struct Slot(ulong Hash, int CodePlusOne, int Start);
}
