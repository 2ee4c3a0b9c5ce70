using System.Linq.Expressions;
using BatchMl.Data;
using static System.Linq.Expressions.Expression;
using Node = System.Linq.Expressions.Expression;

namespace BatchMl.Expressions;

/// <summary>A value within a row: what it is, and whether it is there (null: always). The value under a null is arbitrary but harmless.</summary>
readonly record struct Operand(Node Value, Node? Valid);

/// <summary>
/// Writes the loop of one expression: blocks of 64 rows, whose validity is read and written as words; within a row, values and validity are locals. Arithmetic is
/// computed under nulls as well, since a branch on a random null costs more than it saves; what is dear or may fail is branched around.
/// </summary>
static class LoopCompiler
{
    /// <param name="expr">The expression.</param>
    /// <param name="columns">Its columns, in the order of <see cref="Frame.Columns"/>.</param>
    /// <param name="pinned">Takes what must stay alive as long as the loop: constant texts.</param>
    internal static Loop Compile(Expr expr, IReadOnlyList<ColumnExpr> columns, List<object> pinned)
    {
        var frame = Parameter(typeof(Frame), "frame");
        var row = Variable(typeof(int), "row");
        var bit = Variable(typeof(int), "bit");
        var block = Variable(typeof(int), "block");
        var end = Variable(typeof(int), "end");
        var fail = Label("fail");
        var (nextBlock, nextRow, finished, rowDone) = (Label("nextBlock"), Label("nextRow"), Label("finished"), Label("rowDone"));

        var setup = new List<Node>();
        var perBlock = new List<Node>();
        var body = new List<Node>();
        var locals = new List<ParameterExpression> { row, bit, block, end };

        ParameterExpression Local(Type type, List<Node> at, Node value)
        {
            var local = Variable(type);
            locals.Add(local);
            at.Add(Assign(local, value));
            return local;
        }

        var inputs = new Dictionary<ColumnExpr, Operand>();
        for (var i = 0; i < columns.Count; i++)
        {
            var column = Local(typeof(LoopColumn), setup, ArrayIndex(Property(frame, nameof(Frame.Columns)), Constant(i)));
            var values = Local(typeof(nint), setup, Property(column, nameof(LoopColumn.Values)));
            var bytes = Local(typeof(nint), setup, Property(column, nameof(LoopColumn.Bytes)));
            var validity = Local(typeof(nint), setup, Property(column, nameof(LoopColumn.Validity)));
            var valid = Local(typeof(ulong), perBlock, Op(nameof(RowOps.LoadWord), validity, block));
            var load = columns[i].Type switch
            {
                ColumnType.Boolean => Op(nameof(RowOps.LoadBit), Local(typeof(ulong), perBlock, Op(nameof(RowOps.LoadWord), values, block)), bit),
                ColumnType.Double => Op(nameof(RowOps.LoadDouble), values, row),
                ColumnType.Date => Op(nameof(RowOps.LoadInt32), values, row),
                ColumnType.String => Call(typeof(Text), nameof(Text.Load), null, values, bytes, row),
                _ => Op(nameof(RowOps.LoadInt64), values, row),
            };
            inputs[columns[i]] = new Operand(
                Local(load.Type, body, load), Local(typeof(bool), body, Op(nameof(RowOps.LoadBit), valid, bit)));
        }

        var emitter = new RowEmitter(frame, fail, inputs, setup, locals, pinned);
        var result = emitter.Emit(expr, body);

        var values64 = Local(typeof(nint), setup, Property(frame, nameof(Frame.Values)));
        var validity64 = Local(typeof(nint), setup, Property(frame, nameof(Frame.Validity)));
        var validWord = Variable(typeof(ulong));
        var valueWord = Variable(typeof(ulong));
        locals.AddRange([validWord, valueWord]);
        perBlock.Add(Assign(validWord, Constant(0UL)));
        perBlock.Add(Assign(valueWord, Constant(0UL)));
        body.Add(Store(expr.Type, result, frame, values64, row, bit, valueWord));
        body.Add(OrAssign(validWord, Op(nameof(RowOps.Bit), result.Valid ?? Constant(true), bit)));
        if (emitter.MayFail)
        {
            body.Add(Goto(rowDone));
            body.Add(Label(fail));
            body.Add(Call(frame, nameof(Frame.Fail), null, row));
            if (expr.Type is not (ColumnType.Boolean or ColumnType.String))
                body.Add(Store(expr.Type, new Operand(Default(result.Value.Type), null), frame, values64, row, bit, valueWord));
            body.Add(Label(rowDone));
        }
        if (emitter.Arena is { } used) body.Add(Call(used, nameof(TextArena.Reset), null));

        Node[] loop =
        [
            .. setup,
            Assign(block, Constant(0)),
            Label(nextBlock),
            Assign(row, LeftShift(block, Constant(6))),
            IfThen(GreaterThanOrEqual(row, Property(frame, nameof(Frame.Rows))), Goto(finished)),
            .. perBlock,
            Assign(end, Call(typeof(Math), nameof(Math.Min), null, Constant(64), Subtract(Property(frame, nameof(Frame.Rows)), row))),
            Assign(bit, Constant(0)),
            Label(nextRow),
            .. body,
            Assign(row, Add(row, Constant(1))),
            Assign(bit, Add(bit, Constant(1))),
            IfThen(LessThan(bit, end), Goto(nextRow)),
            Op(nameof(RowOps.StoreWord), validity64, block, validWord),
            expr.Type == ColumnType.Boolean ? Op(nameof(RowOps.StoreWord), values64, block, valueWord) : Empty(),
            Assign(block, Add(block, Constant(1))),
            Goto(nextBlock),
            Label(finished),
        ];
        return Lambda<Loop>(Block(locals, loop), frame).Compile();
    }

    internal static Node Op(string name, params Node[] arguments) => Call(
        typeof(RowOps).GetMethod(name, System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic, [.. arguments.Select(a => a.Type)])
            ?? throw new MissingMethodException(nameof(RowOps), name), arguments);

    static Node Store(ColumnType type, Operand result, Node frame, Node values, Node row, Node bit, Node valueWord) => type switch
    {
        ColumnType.Boolean => OrAssign(valueWord, Op(nameof(RowOps.Bit), result.Valid is null ? result.Value : And(result.Value, result.Valid), bit)),
        ColumnType.String => Call(frame, nameof(Frame.Append), null, result.Value, result.Valid ?? Constant(true)),
        ColumnType.Date => Op(nameof(RowOps.StoreInt32), values, row, Masked(result, v => v, v => Convert(v, typeof(int)))),
        ColumnType.Double => Op(nameof(RowOps.StoreInt64), values, row, Masked(result, v => Call(typeof(BitConverter), nameof(BitConverter.DoubleToInt64Bits), null, v), v => v)),
        _ => Op(nameof(RowOps.StoreInt64), values, row, Masked(result, v => v, v => v)),
    };

    static Node Masked(Operand result, Func<Node, Node> bits, Func<Node, Node> mask) =>
        result.Valid is null ? bits(result.Value) : And(bits(result.Value), mask(Op(nameof(RowOps.Mask), result.Valid)));
}
