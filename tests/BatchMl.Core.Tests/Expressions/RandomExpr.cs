using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

/// <summary>Random well-typed expressions over columns <c>b0 b1 i0 i1 d0 d1 s0 s1 t0 t1 y0 y1</c>, and random values with the edges of their types.</summary>
public sealed class RandomExpr(Random random)
{
    static readonly ColumnType[] types = Enum.GetValues<ColumnType>();
    static readonly string[] zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo"];

    public static IEnumerable<ColumnExpr> Columns =>
        from type in types from i in new[] { 0, 1 } select new ColumnExpr($"{"bidsty"[(int)type]}{i}", type);

    public Expr Next(ColumnType type, int depth)
    {
        if (depth == 0 || random.Next(8) == 0) return Leaf(type);
        Expr Of(ColumnType t) => Next(t, depth - 1);
        switch (random.Next(10))
        {
            case 0:
                return new ConditionalExpr(Of(ColumnType.Boolean), Of(type), Of(type));
            case 1:
                return new CoalesceExpr(Of(type), Of(type));
            case 2 when UserFunctions.Of(type) is { } method:
                return new UserCallExpr(method, [.. method.GetParameters().Select(p => Of(RecordColumns.TypeOf(p.ParameterType)!.Value))], type);
        }
        var choices = new List<Func<Expr>>();
        foreach (var operation in Enum.GetValues<BinaryOperator>())
            foreach (var operands in types)
                if (Operators.Result(operation, operands) == type)
                    choices.Add(() => new BinaryExpr(operation, Of(operands), Of(operands), type));
        foreach (var function in Enum.GetValues<Function>())
            foreach (var signature in Signatures.Of(function))
                if (signature[^1] == type)
                    choices.Add(() => new CallExpr(function, [.. signature[..^1].Select((t, i) =>
                        i == 1 && Signatures.TakesZone(function) ? new ConstantExpr(zones[random.Next(zones.Length)], t) : Of(t))], type));
        switch (type)
        {
            case ColumnType.Boolean:
                choices.Add(() => new UnaryExpr(UnaryOperator.Not, Of(type), type));
                foreach (var operand in types)
                {
                    choices.Add(() => new UnaryExpr(UnaryOperator.IsNull, Of(operand), type));
                    choices.Add(() => new UnaryExpr(UnaryOperator.IsNotNull, Of(operand), type));
                }
                break;
            case ColumnType.Int64:
                choices.Add(() => new UnaryExpr(UnaryOperator.Negate, Of(type), type));
                choices.Add(() => new UnaryExpr(UnaryOperator.ToInt64, Of(ColumnType.Double), type));
                break;
            case ColumnType.Double:
                choices.Add(() => new UnaryExpr(UnaryOperator.Negate, Of(type), type));
                choices.Add(() => new UnaryExpr(UnaryOperator.ToDouble, Of(ColumnType.Int64), type));
                break;
        }
        return choices[random.Next(choices.Count)]();
    }

    Expr Leaf(ColumnType type) => random.Next(3) == 0
        ? new ConstantExpr(Value(type), type) : new ColumnExpr($"{"bidsty"[(int)type]}{random.Next(2)}", type);

    public object? Value(ColumnType type)
    {
        if (random.Next(6) == 0) return null;
        T Pick<T>(params T[] values) => values[random.Next(values.Length)];
        return type switch
        {
            ColumnType.Boolean => random.Next(2) == 0,
            ColumnType.Int64 => random.Next(3) > 0 ? random.Next(-3, 8) : Pick(long.MinValue, long.MaxValue, long.MaxValue - 1, long.MinValue + 1, -1L, 1L << 53, (1L << 53) + 1, int.MaxValue, int.MinValue, 3_037_000_500, -3_037_000_500, 86_400_000_000),
            ColumnType.Double => random.Next(3) > 0 ? random.Next(-20, 80) / 4.0
                : Pick(double.NaN, double.PositiveInfinity, double.NegativeInfinity, -0.0, 0.0, double.MaxValue, double.MinValue, double.Epsilon, -double.Epsilon, 2.2250738585072014e-308, BitConverter.Int64BitsToDouble(0x7ff0_0000_0000_0001), 4503599627370496.5, 0.5, 1.5, 2.5, -0.5, 9.3e18, -9223372036854775808.0, 9223372036854775807.0, 0.1, 1e-7),
            ColumnType.String => Pick("", "a", "A", "ab", "Abc", " ab\t", "é", "É", "z", "\u00a0x\u2003", "𝄞", "\uffee", "a𝄞b", "ſß", "İı", "ǅ", "ẞ", "Σς", "e\u0301", "\0", "👩‍🚀", "\u2028a", "a longer text of the sort that is not short"),
            ColumnType.Timestamp => random.Next(4) > 0
                ? new DateTimeOffset(Pick(1850, 1916, 1970, 2011, 2013, 2024), 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000 + random.NextInt64(366L * 86_400_000_000)
                : Pick(0, -1, long.MinValue, long.MaxValue, -62_135_596_800_000_000, 253_402_300_799_999_999, 253_402_300_800_000_000, 1_382_837_400_000_000),
            _ => random.Next(4) > 0 ? random.Next(-60_000, 30_000) : Pick(0, -1, int.MinValue, int.MaxValue, -719_162, -719_161, -719_160, 2_932_896, 2_932_895, 2_932_894, 15_338, -719_163, 2_932_897),
        };
    }
}

/// <summary>Feature functions that take and give each type.</summary>
public static class UserFunctions
{
    [FeatureFunction]
    public static double Half(double x, int by) => by == 3 ? throw new InvalidOperationException("three") : x / by;

    [FeatureFunction]
    public static double? Known(double? x, bool? flag) => flag is null ? 7 : x;

    [FeatureFunction]
    public static string? Shorten(string text, string? filler) => text.Length > 3 ? null : text + (filler ?? "-");

    [FeatureFunction]
    public static DateTimeOffset NextYear(DateTimeOffset time) => time.AddYears(1);

    [FeatureFunction]
    public static DateOnly? FirstOfMonth(DateOnly? date) => date is { } d ? new DateOnly(d.Year, d.Month, 1) : null;

    [FeatureFunction]
    public static int Seconds(DateTime time) => time.Second;

    [FeatureFunction]
    public static bool IsShort(string? text, float limit) => (text?.Length ?? 0) < limit;

    public static System.Reflection.MethodInfo? Of(ColumnType type) =>
        typeof(UserFunctions).GetMethods().FirstOrDefault(m => m.DeclaringType == typeof(UserFunctions) && m.Name != nameof(Of) && RecordColumns.TypeOf(m.ReturnType) == type);
}
