using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// The steps of a compiled loop that an expression tree can not spell: reads and writes through addresses (pinned by <see cref="CompiledExpr"/> for the length of the call), bits,
/// overflow tests and calendar arithmetic. Small, so that the JIT puts them in place.
/// </summary>
static unsafe class RowOps
{
    internal static long LoadInt64(nint values, int row) => ((long*)values)[row];

    internal static double LoadDouble(nint values, int row) => ((double*)values)[row];

    internal static int LoadInt32(nint values, int row) => ((int*)values)[row];

    internal static bool LoadBit(ulong word, int bit) => (word >> bit & 1) != 0;

    internal static void StoreInt64(nint values, int row, long value) => ((long*)values)[row] = value;

    internal static void StoreInt32(nint values, int row, int value) => ((int*)values)[row] = value;

    internal static void StoreWord(nint words, int index, ulong word) => ((ulong*)words)[index] = word;

    internal static ulong LoadWord(nint words, int index) => ((ulong*)words)[index];

    internal static ulong Bit(bool value, int at) => (ulong)(value ? 1 : 0) << at;

    /// <summary>All ones or none: what is written under a null is 0, without a branch.</summary>
    internal static long Mask(bool valid) => -(long)(valid ? 1 : 0);

    internal static bool AddOverflows(long a, long b, long sum) => ((a ^ sum) & (b ^ sum)) < 0;

    internal static bool SubtractOverflows(long a, long b, long difference) => ((a ^ b) & (a ^ difference)) < 0;

    internal static bool MultiplyOverflows(long a, long b) => Math.BigMul(a, b, out var low) != low >> 63;

    /// <summary>Whether the number, cut off towards zero, is an Int64. False for NaN.</summary>
    internal static bool FitsInt64(double value) => value is >= -9223372036854775808.0 and < 9223372036854775808.0;

    internal static bool Fits32(long value) => value == (int)value;

    internal static bool IsNaN(double value) => double.IsNaN(value);

    internal static bool Less(double a, double b) => a < b || double.IsNaN(b) && !double.IsNaN(a);

    internal static bool Same(double a, double b) => a == b || double.IsNaN(a) && double.IsNaN(b);

    internal static double Min(double a, double b) => Less(b, a) ? b : a;

    internal static double Max(double a, double b) => Less(a, b) ? b : a;

    internal static long Min(long a, long b) => b < a ? b : a;

    internal static long Max(long a, long b) => b > a ? b : a;

    internal static int Number(bool value) => value ? 1 : 0;

    internal static int DateOf(long local) => (int)Clock.FloorDivide(local, Clock.DayMicroseconds);

    internal static long HourOf(long local) => (local - DateOf(local) * Clock.DayMicroseconds) / 3_600_000_000;

    internal static long MinuteOf(long local) => (local - DateOf(local) * Clock.DayMicroseconds) / 60_000_000 % 60;

    internal static long DayOfWeek(int days) => (days + Clock.EpochDay + 1) % 7;

    internal static long Year(int days) => Civil(days).Year;

    internal static long Month(int days) => Civil(days).Month;

    internal static long Day(int days) => Civil(days).Day;

    internal static long DayOfYear(int days)
    {
        var year = Civil(days).Year - 1L;
        return days + Clock.EpochDay - (365 * year + year / 4 - year / 100 + year / 400) + 1;
    }

    /// <summary>Days to the proleptic Gregorian calendar, counting years from March so that the leap day is the last (the usual era arithmetic).</summary>
    static (int Year, int Month, int Day) Civil(int days)
    {
        var shifted = (uint)(days + Clock.EpochDay + 306);
        var era = shifted / 146_097;
        var dayOfEra = shifted % 146_097;
        var yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var month = (5 * dayOfYear + 2) / 153;
        var day = dayOfYear - (153 * month + 2) / 5 + 1;
        var isNext = month >= 10;
        return ((int)(yearOfEra + era * 400) + (isNext ? 1 : 0), (int)(isNext ? month - 9 : month + 3), (int)day);
    }
}
