namespace BatchMl.Kernel;

/// <summary>Dense codes 0, 1, … of 64-bit values in order of first sight: open addressing, no allocation per row. Threads may look up at once while none adds.</summary>
sealed class CodeTable
{
    Slot[] slots = new Slot[1024];
    int shift = 64 - 10;

    public int Count { get; private set; }

    /// <summary>Codes of values, as <see cref="Code"/> gives them.</summary>
    public void Codes(ReadOnlySpan<long> values, Span<int> codes, bool add)
    {
        for (var block = 0; block < codes.Length; block += Prefetch.Block)
        {
            var end = Math.Min(block + Prefetch.Block, codes.Length);
            var table = slots;
            for (var i = block; i < end; i++) Prefetch.Line(ref table[Home(values[i])]);
            for (var i = block; i < end; i++) codes[i] = Code(values[i], add);
        }
    }

    /// <summary>The value's code; a new one where it has none yet and may be added, else -1.</summary>
    public int Code(long value, bool add)
    {
        var table = slots;
        var at = Home(value);
        while (table[at].CodePlusOne != 0)
        {
            if (table[at].Value == value) return table[at].CodePlusOne - 1;
            at = (at + 1) & (table.Length - 1);
        }
        if (!add) return -1;
        table[at] = new Slot(value, ++Count);
        if (Count * 2L > table.Length) Grow();
        return Count - 1;
    }

    int Home(long value) => (int)((ulong)(value * unchecked((long)0x9E3779B97F4A7C15)) >> shift);

    void Grow()
    {
        var old = slots;
        slots = new Slot[checked(old.Length * 2)];
        shift--;
        foreach (var slot in old)
        {
            if (slot.CodePlusOne == 0) continue;
            var at = Home(slot.Value);
            while (slots[at].CodePlusOne != 0) at = (at + 1) & (slots.Length - 1);
            slots[at] = slot;
        }
    }

    readonly record struct Slot(long Value, int CodePlusOne);
}
