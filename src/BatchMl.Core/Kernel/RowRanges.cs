namespace BatchMl.Kernel;

/// <summary>Rows cut into one range for each thread.</summary>
static class RowRanges
{
    /// <summary>Runs <paramref name="work"/> on <c>[from, to)</c> of each range, on threads of their own; what it throws comes out as it is.</summary>
    public static void ForEach(int rows, int threads, Action<int, int> work) => ForEach(rows, threads, (_, from, to) => work(from, to));

    /// <summary>The same with the range's number.</summary>
    public static void ForEach(int rows, int threads, Action<int, int, int> work)
    {
        if (threads == 1) work(0, 0, rows);
        else Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => work(i, Start(rows, threads, i), Start(rows, threads, i + 1)));
    }

    static int Start(int rows, int threads, int range) => (int)((long)rows * range / threads);
}
