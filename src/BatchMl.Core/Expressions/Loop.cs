namespace BatchMl.Expressions;

/// <summary>What a compiled loop reads and writes in one call. All addresses are pinned by the caller.</summary>
/// <param name="rows">Number of rows.</param>
/// <param name="columns">The columns, in the order of the expression.</param>
/// <param name="values">Where results go: rows of the type's width, or words of bits; 0 for strings.</param>
/// <param name="validity">Where the results' validity goes, in words.</param>
/// <param name="text">Where string results go; null for other types.</param>
/// <param name="failed">Is told of a row that failed; its result is null.</param>
sealed class Frame(int rows, LoopColumn[] columns, nint values, nint validity, Data.TextBuilder? text, Action<int> failed)
{
    TextArena? arena;

    internal int Rows { get; } = rows;

    internal LoopColumn[] Columns { get; } = columns;

    internal nint Values { get; } = values;

    internal nint Validity { get; } = validity;

    internal TextArena Arena => arena ??= new();

    internal void Fail(int row)
    {
        failed(row);
        text?.AppendNull();
    }

    internal void Append(Text value, bool valid)
    {
        if (valid) text!.Append(value.Span);
        else text!.AppendNull();
    }
}

/// <summary>One input column.</summary>
/// <param name="Values">First row's value; bits in words for Boolean; offsets for String.</param>
/// <param name="Bytes">The characters of a String column.</param>
/// <param name="Validity">Words of validity, first row at bit 0.</param>
readonly record struct LoopColumn(nint Values, nint Bytes, nint Validity);

/// <summary>A compiled loop.</summary>
delegate void Loop(Frame frame);
