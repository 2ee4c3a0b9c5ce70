using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.Parquet;

namespace BatchMl.Benchmarks.Data;

/// <summary>What a flight's key is.</summary>
enum FlightKey
{
    /// <summary>The aircraft, 4,044 of them: some 80 flights a year each.</summary>
    Aircraft,
    /// <summary>Carrier and origin, 35 pairs: some 26 flights a day each.</summary>
    CarrierOrigin,
}

/// <summary>
/// Departures of the real year 2013, repeated: copy n lies n years later, so that density and order stay as they are, and keys may be multiplied by a suffix that a row's number decides. No randomness:
/// the same call gives the same rows.
/// </summary>
sealed record Flights(StringArray Key, TimestampArray EventTime, DoubleArray Delay, BooleanArray Late, StringArray Destination, Int64Array Ordinal)
{
    public const long HourMicroseconds = 3_600_000_000, DayMicroseconds = 24 * HourMicroseconds;

    public int Rows => Key.Length;

    public static async Task<Flights> RepeatAsync(int rows, FlightKey key, int keysEach = 1, int firstRow = 0)
    {
        var year = await ReadAsync();
        var texts = new StringArray.Builder().Reserve(rows);
        var destinations = new StringArray.Builder().Reserve(rows);
        var times = new long[rows];
        var ordinals = new long[rows];
        var delays = new DoubleArray.Builder().Reserve(rows);
        var late = new BooleanArray.Builder().Reserve(rows);
        Span<byte> text = stackalloc byte[64];
        for (var i = 0; i < rows; i++)
        {
            var (row, copy) = ((i + firstRow) % year.Rows, (i + firstRow) / year.Rows);
            times[i] = year.Time[row] + copy * 365 * DayMicroseconds;
            ordinals[i] = i;
            if (year.Delay.GetValue(row) is { } delay)
            {
                delays.Append(delay);
                late.Append(delay > 15);
            }
            else
            {
                delays.AppendNull();
                late.AppendNull();
            }
            var length = KeyText(year, row, key, text);
            if (keysEach > 1)
            {
                text[length++] = (byte)'-';
                System.Buffers.Text.Utf8Formatter.TryFormat((uint)(((ulong)(i + firstRow) * 0x9E3779B97F4A7C15) >> 33) % (uint)keysEach, text[length..], out var written);
                length += written;
            }
            texts.Append(text[..length]);
            destinations.Append(year.Destination.GetBytes(row));
        }
        return new Flights(texts.Build(), Times(times), delays.Build(), late.Build(), destinations.Build(), new Int64Array.Builder().Append(ordinals).Build());
    }

    static int KeyText(Year year, int row, FlightKey key, Span<byte> into)
    {
        if (key == FlightKey.Aircraft)
        {
            year.Tailnum.GetBytes(row).CopyTo(into);
            return year.Tailnum.GetBytes(row).Length;
        }
        year.Carrier.GetBytes(row).CopyTo(into);
        var length = year.Carrier.GetBytes(row).Length;
        year.Origin.GetBytes(row).CopyTo(into[length..]);
        return length + year.Origin.GetBytes(row).Length;
    }

    /// <summary>The same instants a while later.</summary>
    public static TimestampArray Later(TimestampArray times, Func<int, long> by)
    {
        var later = new long[times.Length];
        for (var i = 0; i < later.Length; i++) later[i] = times.Values[i] + by(i);
        return Times(later);
    }

    static TimestampArray Times(long[] microseconds) =>
        new(new ArrayData(Columns.UtcMicroseconds, microseconds.Length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes(microseconds.AsSpan()).ToArray())]));

    sealed record Year(int Rows, long[] Time, DoubleArray Delay, StringArray Tailnum, StringArray Carrier, StringArray Origin, StringArray Destination);

    static async Task<Year> ReadAsync()
    {
        string[] columns = ["time_hour", "minute", "dep_delay", "tailnum", "carrier", "origin", "dest"];
        using var snapshot = await new ParquetSource(Path.Combine(AppContext.BaseDirectory, "flight-delays", "data", "flights.parquet")).OpenAsync(default);
        var parts = columns.Select(_ => new List<IArrowArray>()).ToArray();
        await foreach (var batch in snapshot.ReadAsync(new ScanRequest(columns), default))
        {
            using (batch)
            {
                int[] all = [.. Enumerable.Range(0, batch.Batch.Length)];
                for (var c = 0; c < columns.Length; c++) parts[c].Add(Columns.Take(Columns.Normalize(batch.Batch.Column(c)), all));
            }
        }
        var arrays = parts.Select(Columns.Concat).ToArray();
        var minutes = (Int64Array)arrays[1];
        var times = ((TimestampArray)arrays[0]).Values.ToArray();
        for (var i = 0; i < times.Length; i++) times[i] += minutes.Values[i] * 60_000_000;
        var delays = arrays[2] as DoubleArray ?? Doubles((Int64Array)arrays[2]);
        return new Year(times.Length, times, delays, (StringArray)arrays[3], (StringArray)arrays[4], (StringArray)arrays[5], (StringArray)arrays[6]);
    }

    static DoubleArray Doubles(Int64Array integers)
    {
        var doubles = new DoubleArray.Builder().Reserve(integers.Length);
        for (var i = 0; i < integers.Length; i++)
        {
            if (integers.GetValue(i) is { } value) doubles.Append(value);
            else doubles.AppendNull();
        }
        return doubles.Build();
    }
}
