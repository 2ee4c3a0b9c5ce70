namespace BatchMl.Scoring;

/// <summary>Rows of a batch.</summary>
/// <param name="Start">First row.</param>
/// <param name="Count">How many.</param>
/// <param name="Time">How long scoring them may take.</param>
readonly record struct RowRange(int Start, int Count, TimeSpan Time)
{
    /// <summary>Cuts them in parts of nearly equal size, at most one per row; the last part comes first.</summary>
    internal IEnumerable<RowRange> Cut(int parts, TimeSpan time)
    {
        var left = Count;
        for (var part = Math.Min(parts, Count); part > 0; part--)
        {
            var count = left - (int)((long)Count * (part - 1) / Math.Min(parts, Count));
            left -= count;
            yield return new(Start + left, count, time);
        }
    }
}
