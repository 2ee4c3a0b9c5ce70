using System.Globalization;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;

namespace BatchMl.Spark.Connect;

/// <summary>Reads column definitions as Spark writes them: <c>name TYPE [NOT NULL] [COMMENT '…'], …</c>; inside of a struct a colon may stand between name and type.</summary>
sealed class DdlParser(string text)
{
    // Deeper nesting is no schema but an attack on the stack.
    const int Deepest = 100;

    int at;
    int depth;

    public Schema Columns()
    {
        var fields = FieldList(end: '\0');
        return new Schema(fields, null);
    }

    List<Field> FieldList(char end)
    {
        var fields = new List<Field>();
        if (Skip() == end) return fields;
        do
        {
            var name = Name();
            Take(':');
            var type = Type(name);
            var nullable = true;
            if (TakeWord("NOT"))
            {
                if (!TakeWord("NULL")) throw Wrong("NULL after NOT");
                nullable = false;
            }
            if (TakeWord("COMMENT")) Quoted();
            fields.Add(new Field(name, type, nullable));
        }
        while (Take(','));
        if (Skip() != end) throw Wrong(end == '\0' ? "',' or the end" : $"',' or '{end}'");
        return fields;
    }

    IArrowType Type(string column)
    {
        if (++depth > Deepest) throw Wrong($"types nested at most {Deepest} deep");
        var start = at;
        var word = Word();
        var type = word.ToUpperInvariant() switch
        {
            "VOID" or "NULL" => NullType.Default,
            "BOOLEAN" => BooleanType.Default,
            "TINYINT" or "BYTE" => Int8Type.Default,
            "SMALLINT" or "SHORT" => Int16Type.Default,
            "INT" or "INTEGER" => Int32Type.Default,
            "BIGINT" or "LONG" => Int64Type.Default,
            "FLOAT" or "REAL" => FloatType.Default,
            "DOUBLE" => DoubleType.Default,
            "STRING" => StringType.Default,
            "CHAR" or "CHARACTER" or "VARCHAR" => Text(),
            "BINARY" => BinaryType.Default,
            "DATE" => Date32Type.Default,
            "TIMESTAMP" or "TIMESTAMP_LTZ" => Data.Columns.UtcMicroseconds,
            "TIMESTAMP_NTZ" => new TimestampType(TimeUnit.Microsecond, (string?)null),
            "DECIMAL" or "DEC" or "NUMERIC" => Decimal(),
            "ARRAY" => List(column),
            "MAP" => Map(column),
            "STRUCT" => Struct(),
            _ => throw new DefinitionException($"The column '{column}' has the type '{word}' at character {start + 1} of '{text}', which has no counterpart in Arrow: cast it in Spark, e.g. to STRING."),
        };
        depth--;
        return type;
    }

    IArrowType Text()
    {
        Expect('(');
        Number();
        Expect(')');
        return StringType.Default;
    }

    IArrowType Decimal()
    {
        // Spark's own defaults.
        if (!Take('(')) return new Decimal128Type(10, 0);
        var precision = Number();
        var scale = Take(',') ? Number() : 0;
        Expect(')');
        return precision is >= 1 and <= 38 && scale <= precision ? new Decimal128Type(precision, scale) : throw Wrong("a precision of 1 to 38 and a scale of at most that before it");
    }

    IArrowType List(string column)
    {
        Expect('<');
        var element = Type($"{column}.element");
        Expect('>');
        return SparkTypes.List(element, nullable: true);
    }

    IArrowType Map(string column)
    {
        Expect('<');
        var key = Type($"{column}.key");
        Expect(',');
        var value = Type($"{column}.value");
        Expect('>');
        return SparkTypes.Map(key, value, nullable: true);
    }

    IArrowType Struct()
    {
        Expect('<');
        var fields = FieldList(end: '>');
        Expect('>');
        return new StructType(fields);
    }

    string Name() => Skip() == '`' ? Quoted() : Word();

    string Word()
    {
        Skip();
        var start = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_')) at++;
        return at > start ? text[start..at] : throw Wrong("a name or a type");
    }

    string Quoted()
    {
        var quote = Skip();
        if (quote is not ('`' or '\'' or '"')) throw Wrong("a quoted text");
        var value = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == quote)
            {
                at++;
                // A backtick inside of backticks is written twice.
                if (quote != '`' || at == text.Length || text[at] != '`') return value.ToString();
            }
            else if (text[at] == '\\' && quote != '`') at++;
            if (at < text.Length) value.Append(text[at]);
        }
        throw Wrong($"a closing {quote}");
    }

    int Number()
    {
        var word = Word();
        return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong("a number before it");
    }

    bool TakeWord(string word)
    {
        Skip();
        var end = at + word.Length;
        if (string.Compare(text, at, word, 0, word.Length, StringComparison.OrdinalIgnoreCase) != 0 || (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))) return false;
        at = end;
        return true;
    }

    bool Take(char c)
    {
        if (Skip() != c) return false;
        at++;
        return true;
    }

    void Expect(char c)
    {
        if (!Take(c)) throw Wrong($"'{c}'");
    }

    // The next character that is not a space; '\0' at the end.
    char Skip()
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        return at < text.Length ? text[at] : '\0';
    }

    DefinitionException Wrong(string expected) =>
        new($"The columns '{text}' can not be read: at character {at + 1} got {(at < text.Length ? $"'{text[at]}'" : "the end")}, expected {expected}.");
}
