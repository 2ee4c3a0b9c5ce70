namespace BatchMl.Kernel;

/// <summary>Rows by key code (counting sort) with their times beside them; a bucket is put in order of time when it is asked for, unless it is.</summary>
sealed class Buckets
{
    readonly int[] starts;
    readonly int[] rows;
    readonly long[] times;

    /// <param name="codes">Key code by row; a negative one leaves the row out.</param>
    /// <param name="count">Number of codes.</param>
    /// <param name="time">Time by row.</param>
    /// <param name="leftOut">Rows to leave out; empty: none.</param>
    public Buckets(ReadOnlySpan<int> codes, int count, ReadOnlySpan<long> time, ReadOnlySpan<bool> leftOut = default)
    {
        starts = new int[count + 1];
        for (var i = 0; i < codes.Length; i++)
            if (IsIn(codes, leftOut, i)) starts[codes[i] + 1]++;
        for (var k = 0; k < count; k++) starts[k + 1] += starts[k];
        rows = new int[starts[count]];
        times = new long[starts[count]];
        var next = starts.AsSpan(0, count).ToArray();
        for (var i = 0; i < codes.Length; i++)
        {
            if (!IsIn(codes, leftOut, i)) continue;
            var to = next[codes[i]]++;
            rows[to] = i;
            times[to] = time[i];
        }
    }

    static bool IsIn(ReadOnlySpan<int> codes, ReadOnlySpan<bool> leftOut, int row) => codes[row] >= 0 && (leftOut.IsEmpty || !leftOut[row]);

    /// <summary>Number of buckets.</summary>
    public int Count => starts.Length - 1;

    /// <summary>Rows in all buckets together.</summary>
    public int Total => rows.Length;

    /// <summary>All rows, bucket after bucket.</summary>
    public ReadOnlySpan<int> AllRows => rows;

    public int Start(int key) => starts[key];

    public int Length(int key) => starts[key + 1] - starts[key];

    public ReadOnlySpan<int> Rows(int key) => rows.AsSpan(starts[key], Length(key));

    public ReadOnlySpan<long> Times(int key) => times.AsSpan(starts[key], Length(key));

    /// <summary>Puts a bucket in order of time. Threads may sort different buckets at once.</summary>
    public void Sort(int key, TimeSort sort) => sort.Sort(times.AsSpan(starts[key], Length(key)), rows.AsSpan(starts[key], Length(key)));
}
