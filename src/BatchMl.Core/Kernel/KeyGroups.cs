namespace BatchMl.Kernel;

/// <summary>Rows bucketed by key code (counting sort), each bucket ordered by time; already ordered buckets are not sorted.</summary>
sealed class KeyGroups
{
    readonly int[] starts;
    readonly int[] rows;

    KeyGroups(int[] starts, int[] rows) => (this.starts, this.rows) = (starts, rows);

    public int Count => starts.Length - 1;

    public Span<int> this[int key] => rows.AsSpan(starts[key], starts[key + 1] - starts[key]);

    public int Start(int key) => starts[key];

    /// <summary>Groups the rows with a key code of at least 0 and a time that is not <see cref="Presence.Never"/>.</summary>
    public static KeyGroups Of(int[] keys, int keyCount, ReadOnlySpan<long> times)
    {
        var starts = new int[keyCount + 1];
        for (var i = 0; i < keys.Length; i++)
        {
            if (keys[i] >= 0 && times[i] != Presence.Never) starts[keys[i] + 1]++;
        }
        for (var k = 0; k < keyCount; k++) starts[k + 1] += starts[k];
        var rows = new int[starts[keyCount]];
        var next = starts.AsSpan(0, keyCount).ToArray();
        for (var i = 0; i < keys.Length; i++)
        {
            if (keys[i] >= 0 && times[i] != Presence.Never) rows[next[keys[i]]++] = i;
        }
        var scratch = Array.Empty<long>();
        for (var k = 0; k < keyCount; k++) SortByTime(rows.AsSpan(starts[k], starts[k + 1] - starts[k]), times, ref scratch);
        return new KeyGroups(starts, rows);
    }

    /// <summary>Orders rows by time unless they are.</summary>
    public static void SortByTime(Span<int> rows, ReadOnlySpan<long> times, ref long[] scratch)
    {
        var sorted = true;
        for (var i = 1; i < rows.Length; i++)
        {
            if (times[rows[i]] >= times[rows[i - 1]]) continue;
            sorted = false;
            break;
        }
        if (sorted) return;
        if (scratch.Length < rows.Length) scratch = new long[Math.Max(rows.Length, 2 * scratch.Length)];
        var keys = scratch.AsSpan(0, rows.Length);
        for (var i = 0; i < rows.Length; i++) keys[i] = times[rows[i]];
        keys.Sort(rows);
    }
}
