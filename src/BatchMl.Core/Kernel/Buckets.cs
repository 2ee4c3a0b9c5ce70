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
    /// <param name="leftOut">Rows to leave out; null: none.</param>
    /// <param name="threads">Threads; within a bucket rows keep their order whatever it is.</param>
    public Buckets(int[] codes, int count, long[] time, bool[]? leftOut = null, int threads = 1)
    {
        // A thread counts and places a range of rows, so each needs a place of its own in every bucket.
        threads = (long)count * threads > codes.Length ? 1 : threads;
        var next = new int[threads][];
        RowRanges.ForEach(codes.Length, threads, (range, from, to) => next[range] = Count(codes, leftOut, from, to, count));
        starts = new int[count + 1];
        var place = 0;
        for (var k = 0; k < count; k++)
        {
            starts[k] = place;
            foreach (var counts in next) (counts[k], place) = (place, place + counts[k]);
        }
        starts[count] = place;
        (rows, times) = (new int[place], new long[place]);
        RowRanges.ForEach(codes.Length, threads, (range, from, to) => Place(codes, time, leftOut, from, to, next[range]));
    }

    static int[] Count(int[] codes, bool[]? leftOut, int from, int to, int count)
    {
        var counts = new int[count];
        for (var i = from; i < to; i++)
            if (IsIn(codes, leftOut, i)) counts[codes[i]]++;
        return counts;
    }

    void Place(int[] codes, long[] time, bool[]? leftOut, int from, int to, int[] next)
    {
        for (var i = from; i < to; i++)
        {
            if (!IsIn(codes, leftOut, i)) continue;
            var at = next[codes[i]]++;
            rows[at] = i;
            times[at] = time[i];
        }
    }

    static bool IsIn(int[] codes, bool[]? leftOut, int row) => codes[row] >= 0 && leftOut?[row] != true;

    /// <summary>Number of buckets.</summary>
    public int Keys => starts.Length - 1;

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
