using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Expressions;

/// <summary>
/// An expression compiled once to a fused loop over Arrow columns: one pass, no intermediate columns, no allocation per row
/// (string results apart). Thread-safe. The interpreter is its oracle.
/// </summary>
public sealed class CompiledExpr
{
    static readonly ConcurrentDictionary<Expr, CompiledExpr> cache = [];

    readonly ColumnExpr[] columns;
    readonly List<object> pinned = [];
    readonly Loop loop;

    CompiledExpr(Expr expr)
    {
        Expr = expr;
        columns = [.. ExprTree.ColumnsOf(expr).Distinct()];
        loop = LoopCompiler.Compile(expr, columns, pinned);
    }

    /// <summary>The expression.</summary>
    public Expr Expr { get; }

    /// <summary>Compiles, or returns the compiled form of an equal expression from a process-wide cache.</summary>
    public static CompiledExpr Compile(Expr expr) => cache.GetOrAdd(expr, static e => new CompiledExpr(e));

    /// <summary>
    /// Evaluates over all rows of a batch. Columns are found by name and widened (<see cref="Data.Columns.Normalize"/>); the result has the
    /// canonical Arrow type of <see cref="Expr.Type"/> and memory of its own.
    /// </summary>
    /// <param name="batch">Holds at least the expression's columns.</param>
    /// <param name="errors">Takes the rows that failed, ascending (their result is null); when null, the first failing row throws.</param>
    /// <exception cref="RowErrorException">A row failed and <paramref name="errors"/> is null.</exception>
    /// <exception cref="DataException">A column is missing or has a type that the expression was not built for.</exception>
    public IArrowArray Evaluate(RecordBatch batch, ICollection<RowError>? errors = null)
    {
        var arrays = columns.Select(c => Find(batch, c, Expr)).ToArray();
        var rows = batch.Length;
        var words = (rows + 63) / 64;
        var pins = new List<MemoryHandle>();
        try
        {
            nint Pin(ReadOnlyMemory<byte> memory)
            {
                pins.Add(memory.Pin());
                unsafe { return (nint)pins[^1].Pointer; }
            }

            var inputs = arrays.Select(a => Input(a.Data, words, Pin)).ToArray();
            // The loop writes every value and every word.
            var values = GC.AllocateUninitializedArray<byte>(Expr.Type switch
            {
                ColumnType.Boolean => 8 * words,
                ColumnType.String => 0,
                ColumnType.Date => 4 * rows,
                _ => checked(8 * rows),
            });
            var validity = new byte[8L * words];
            var text = Expr.Type == ColumnType.String ? new TextBuilder(rows) : null;
            loop(new Frame(rows, inputs, Pin(values), Pin(validity), text, row => Fail(arrays, row, errors)));
            return text is not null ? text.Build() : Result(values, validity, rows);
        }
        finally
        {
            foreach (var pin in pins) pin.Dispose();
        }
    }

    static IArrowArray Find(RecordBatch batch, ColumnExpr column, Expr expr)
    {
        var fields = batch.Schema.FieldsList;
        for (var i = 0; i < fields.Count; i++)
        {
            if (fields[i].Name != column.Name) continue;
            if (Columns.TypeOf(fields[i].DataType) == column.Type) return Columns.Normalize(batch.Column(i));
            throw new DataException(
                $"Column '{column.Name}' is {Columns.TypeOf(fields[i].DataType)?.ToString() ?? "not a type to compute with"} (Arrow {fields[i].DataType.Name}), expected {column.Type} in {expr}; "
                + "change the record type's property, or the source.");
        }
        throw new DataException($"There is no column '{column.Name}', which {expr} reads; there are {string.Join(", ", fields.Select(f => f.Name))}.");
    }

    /// <summary>Bits are moved to words that begin with the first row; values are read where they are.</summary>
    static LoopColumn Input(ArrayData data, int words, Func<ReadOnlyMemory<byte>, nint> pin)
    {
        nint At(int width) => pin(data.Buffers[1].Memory) + (nint)data.Offset * width;
        var validity = pin(Words(data.NullCount == 0 ? [] : data.Buffers[0].Span, data.Offset, words));
        return Columns.TypeOf(data.DataType) switch
        {
            ColumnType.Boolean => new LoopColumn(pin(Words(data.Buffers[1].Span, data.Offset, words)), 0, validity),
            ColumnType.String => new LoopColumn(At(4), pin(data.Buffers[2].Memory), validity),
            ColumnType.Date => new LoopColumn(At(4), 0, validity),
            _ => new LoopColumn(At(8), 0, validity),
        };
    }

    static byte[] Words(ReadOnlySpan<byte> bits, int offset, int words)
    {
        var result = new byte[8L * words];
        var target = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(result.AsSpan());
        if (bits.IsEmpty) target.Fill(ulong.MaxValue);
        else
            for (var i = 0; i < words; i++) target[i] = Bitmap.Word(bits, offset + 64 * i);
        return result;
    }

    IArrowArray Result(byte[] values, byte[] validity, int rows)
    {
        var valid = 0;
        foreach (var word in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(validity)) valid += BitOperations.PopCount(word);
        var bits = valid == rows ? ArrowBuffer.Empty : new ArrowBuffer(validity);
        return ArrowArrayFactory.BuildArray(new ArrayData(Columns.ArrowType(Expr.Type), rows, rows - valid, 0, [bits, new ArrowBuffer(values)]));
    }

    /// <summary>The loop only knows that a row failed; the interpreter says why, with the operands.</summary>
    void Fail(IArrowArray[] arrays, int row, ICollection<RowError>? errors)
    {
        RowError error;
        try
        {
            Interpreter.Evaluate(Expr, name => Columns.ValueAt(arrays[System.Array.FindIndex(columns, c => c.Name == name)], row));
            throw new BatchMlException(
                $"row {row}: compiled and interpreted {Expr} disagree on whether it fails. A feature function in it is not pure, or this is a defect of BatchMl.", FailureKind.Bug);
        }
        catch (RowErrorException e)
        {
            error = e.Error with { Row = row };
        }
        if (errors is null) throw new RowErrorException(error);
        errors.Add(error);
    }
}

/// <summary>A row whose value could not be computed: integer overflow, division by zero, a conversion out of range, a user's function that threw.</summary>
/// <param name="Row">Row within the batch.</param>
/// <param name="Message">What was computed, from what, and why it failed.</param>
public sealed record RowError(int Row, string Message);

/// <summary>A row's value could not be computed and the caller takes no row errors.</summary>
public sealed class RowErrorException(RowError error) : BatchMlException($"row {error.Row}: {error.Message}")
{
    /// <summary>Which row, and why.</summary>
    public RowError Error { get; } = error;
}
