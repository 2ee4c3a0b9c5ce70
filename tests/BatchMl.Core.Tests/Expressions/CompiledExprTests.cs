using System.Linq.Expressions;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Expressions;

namespace BatchMl.Core.Tests.Expressions;

public sealed class CompiledExprTests
{
    /// <summary>A batch of values in their normalised representation; with an offset, as a slice of a longer batch.</summary>
    public static RecordBatch Batch(IReadOnlyList<(ColumnExpr Column, object?[] Values)> columns, int rows, int offset = 0)
    {
        var schema = new Schema([.. columns.Select(c => new Field(c.Column.Name, BatchMl.Data.Columns.ArrowType(c.Column.Type), true))], null);
        var arrays = columns.Select(c => ArrowArrayFactory.Slice(Array(c.Column.Type, [.. Enumerable.Repeat<object?>(null, offset), .. c.Values]), offset, rows));
        return new RecordBatch(schema, arrays, rows);
    }

    public static IArrowArray Array(ColumnType type, object?[] values)
    {
        // Under a null lies whatever does most harm.
        IArrowArray Fixed(byte[][] bytes) => ArrowArrayFactory.BuildArray(new ArrayData(BatchMl.Data.Columns.ArrowType(type), values.Length, values.Count(v => v is null), 0,
            [new ArrowBuffer(Bits(v => v is not null)), new ArrowBuffer(bytes.SelectMany(b => b).ToArray())]));
        byte[] Bits(Func<object?, bool> test)
        {
            var bits = new byte[(values.Length + 7) / 8];
            for (var i = 0; i < values.Length; i++)
                if (test(values[i])) bits[i / 8] |= (byte)(1 << (i % 8));
            return bits;
        }
        switch (type)
        {
            case ColumnType.Boolean:
                return Fixed([Bits(v => v is null or true)]);
            case ColumnType.Double:
                return Fixed([.. values.Select(v => BitConverter.GetBytes((double)(v ?? double.NaN)))]);
            case ColumnType.Date:
                return Fixed([.. values.Select(v => BitConverter.GetBytes((int)(v ?? int.MinValue)))]);
            case ColumnType.String:
                var builder = new StringArray.Builder();
                foreach (var value in values)
                    if (value is null) builder.AppendNull();
                    else builder.Append((string)value);
                return builder.Build();
            default:
                return Fixed([.. values.Select(v => BitConverter.GetBytes(v is null ? long.MinValue : v is int i ? i : (long)v))]);
        }
    }

    static (object? Value, string? Error) Interpret(Expr expr, Func<string, object?> column)
    {
        try
        {
            return (Interpreter.Evaluate(expr, column), null);
        }
        catch (RowErrorException e)
        {
            return (null, e.Error.Message);
        }
    }

    static bool Same(object? a, object? b) => (a, b) switch
    {
        (double x, double y) => BitConverter.DoubleToInt64Bits(x) == BitConverter.DoubleToInt64Bits(y) || double.IsNaN(x) && double.IsNaN(y),
        _ => Equals(a, b),
    };

    [Fact]
    public void Every_operator_and_function_agrees_on_every_pair_of_edge_values()
    {
        var generator = new RandomExpr(new Random(5));
        var expressions = new List<Expr>();
        foreach (var operation in Enum.GetValues<BinaryOperator>())
            foreach (var type in Enum.GetValues<ColumnType>())
                if (Operators.Result(operation, type) is { } result)
                    expressions.Add(new BatchMl.Expressions.BinaryExpr(operation, new ColumnExpr("a", type), new ColumnExpr("b", type), result));
        foreach (var function in Enum.GetValues<Function>())
            foreach (var signature in Signatures.Of(function))
                expressions.Add(new CallExpr(function, [.. signature[..^1].Select((t, i) => i == 1 && Signatures.TakesZone(function)
                    ? (Expr)new ConstantExpr("Europe/Berlin", t) : new ColumnExpr($"{"abc"[i]}", t))], signature[^1]));
        foreach (var expr in expressions)
        {
            var columns = ExprTree.ColumnsOf(expr).ToArray();
            var data = columns.Select(c => (c, Enumerable.Range(0, 600).Select(_ => generator.Value(c.Type)).ToArray())).ToArray();
            Assert.True(Agree(expr, data, 600, 5, "").Values > 20, $"{expr}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Compiled_and_interpreted_agree_on_values_and_errors(int seed)
    {
        var random = new Random(seed);
        var generator = new RandomExpr(random);
        var columns = RandomExpr.Columns.ToArray();
        var (cases, failures, nulls) = (0, 0, 0);
        for (var round = 0; round < 500; round++)
        {
            var expr = generator.Next((ColumnType)random.Next(6), random.Next(1, 5));
            var rows = random.Next(10) == 0 ? 0 : random.Next(1, 140);
            var data = columns.Select(c => (c, Enumerable.Range(0, rows).Select(_ => generator.Value(c.Type)).ToArray())).ToArray();
            var seen = Agree(expr, data, rows, random.Next(70), $"seed {seed} round {round}");
            cases += rows;
            failures += seen.Failures;
            nulls += rows - seen.Failures - seen.Values;
        }
        Assert.True(cases > 20_000 && failures > 1_000 && nulls > 1_000 && cases > 2 * (failures + nulls), $"{cases} cases, {failures} failures, {nulls} nulls");
    }

    [Fact]
    public void Random_expressions_have_every_operator_and_function_of_every_type()
    {
        var random = new Random(1);
        var generator = new RandomExpr(random);
        var seen = new HashSet<string>();
        void Visit(Expr expr)
        {
            seen.Add(Shape(expr));
            foreach (var child in ExprTree.Children(expr)) Visit(child);
        }
        // No more than the rounds of one seed above, four times.
        for (var round = 0; round < 2_000; round++) Visit(generator.Next((ColumnType)random.Next(6), random.Next(1, 5)));
        var types = Enum.GetValues<ColumnType>();
        string[] expected =
        [
            .. Enum.GetValues<Function>().SelectMany(f => Signatures.Of(f).Select(s => $"{f}({string.Join(", ", s[..^1])})")),
            .. Enum.GetValues<BinaryOperator>().SelectMany(o => types.Where(t => Operators.Result(o, t) is not null).Select(t => $"{o} {t}")),
            .. types.SelectMany(t => new[] { $"If {t}", $"Coalesce {t}", $"Constant {t}", $"Column {t}", $"{UnaryOperator.IsNull} {t}", $"{UnaryOperator.IsNotNull} {t}" }),
            $"{UnaryOperator.Negate} {ColumnType.Int64}", $"{UnaryOperator.Negate} {ColumnType.Double}", $"{UnaryOperator.Not} {ColumnType.Boolean}",
            $"{UnaryOperator.ToDouble} {ColumnType.Int64}", $"{UnaryOperator.ToInt64} {ColumnType.Double}",
            .. types.Where(t => UserFunctions.Of(t) is not null).Select(t => $"User {t}"),
        ];
        Assert.Empty(expected.Except(seen));
        Assert.Empty(seen.Except(expected));
        // A new operator has to be listed.
        Assert.All(Enum.GetValues<UnaryOperator>(), o => Assert.Contains(expected, e => e.StartsWith($"{o} ", StringComparison.Ordinal)));
    }

    static string Shape(Expr expr) => expr switch
    {
        CallExpr e => $"{e.Function}({string.Join(", ", e.Arguments.Select(a => a.Type))})",
        BatchMl.Expressions.BinaryExpr e => $"{e.Operator} {e.Left.Type}",
        UnaryExpr e => $"{e.Operator} {e.Operand.Type}",
        ConditionalExpr => $"If {expr.Type}",
        CoalesceExpr => $"Coalesce {expr.Type}",
        UserCallExpr => $"User {expr.Type}",
        ColumnExpr => $"Column {expr.Type}",
        _ => $"Constant {expr.Type}",
    };

    [Fact]
    public void Where_a_batch_is_cut_changes_no_value_and_no_error()
    {
        var random = new Random(11);
        var generator = new RandomExpr(random);
        const int rows = 700;
        var data = RandomExpr.Columns.Select(c => (c, Enumerable.Range(0, rows).Select(_ => generator.Value(c.Type)).ToArray())).ToArray();
        var whole = Batch(data, rows);
        for (var round = 0; round < 150; round++)
        {
            var compiled = CompiledExpr.Compile(generator.Next((ColumnType)random.Next(6), random.Next(1, 5)));
            var (errors, parts, partErrors) = (new List<RowError>(), new List<object?>(), new List<RowError>());
            var expected = compiled.Evaluate(whole, errors);
            for (var from = 0; from < rows;)
            {
                var count = Math.Min(rows - from, random.Next(3) == 0 ? 64 * random.Next(1, 4) : random.Next(1, 130));
                var mine = new List<RowError>();
                var part = compiled.Evaluate(new RecordBatch(whole.Schema, whole.Arrays.Select(a => ArrowArrayFactory.Slice(a, from, count)), count), mine);
                parts.AddRange(Enumerable.Range(0, count).Select(i => BatchMl.Data.Columns.ValueAt(part, i)));
                partErrors.AddRange(mine.Select(e => e with { Row = e.Row + from }));
                from += count;
            }
            Assert.Equal(errors, partErrors);
            for (var row = 0; row < rows; row++) Assert.True(Same(BatchMl.Data.Columns.ValueAt(expected, row), parts[row]), $"round {round} row {row}: {compiled.Expr}");
        }
    }

    static (int Values, int Failures) Agree(Expr expr, (ColumnExpr Column, object?[] Values)[] data, int rows, int offset, string where)
    {
        var errors = new List<RowError>();
        var result = CompiledExpr.Compile(expr).Evaluate(Batch(data, rows, offset), errors);
        Assert.Equal(rows, result.Length);
        var byRow = errors.ToDictionary(e => e.Row, e => e.Message);
        var values = 0;
        for (var row = 0; row < rows; row++)
        {
            var (value, error) = Interpret(expr, name => data.First(d => d.Column.Name == name).Values[row]);
            var compiled = BatchMl.Data.Columns.ValueAt(result, row);
            Assert.True(Same(value, compiled) && error == byRow.GetValueOrDefault(row), $"{where} row {row}: {expr}\ninterpreted {value} {error}\ncompiled {compiled} {byRow.GetValueOrDefault(row)}\n"
                + string.Join(", ", expr.Columns().Select(c => $"{c}={data.First(d => d.Column.Name == c).Values[row] ?? "null"}")));
            if (value is not null) values++;
        }
        return (values, errors.Count);
    }
}
