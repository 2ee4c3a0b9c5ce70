using System.Text;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>A statement for DuckDB, and what is known of it.</summary>
/// <param name="Sql">For DuckDB.</param>
/// <param name="Kind">Its first word: <c>SELECT</c>, <c>MERGE</c>, …</param>
/// <param name="Tables">What it names, and what the views that it names name.</param>
/// <param name="Words">Every identifier in it, for which columns it reads and filters.</param>
/// <param name="Target">What it changes; null: nothing.</param>
/// <param name="Tokens">What it is made of, translated, for taking a MERGE apart.</param>
sealed record Statement(string Sql, string Kind, IReadOnlyList<FakeTable> Tables, IReadOnlyList<string> Words, FakeTable? Target, IReadOnlyList<string> Tokens);

/// <summary>
/// The part of GoogleSQL that tests need, as DuckDB says it: names of tables, quotes, and some words. Everything else must mean the same in both. cloud.google.com/bigquery/docs/reference/standard-sql/lexical and query-syntax.
/// </summary>
sealed class GoogleSql(Warehouse warehouse, DatasetName? defaultDataset)
{
    static readonly HashSet<string> beforeTables = new(StringComparer.OrdinalIgnoreCase) { "FROM", "JOIN", "INTO", "USING", "MERGE", "UPDATE", "INSERT", "DELETE" };
    static readonly HashSet<string> notAliases = new(StringComparer.OrdinalIgnoreCase)
        { "WHERE", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "ON", "USING", "GROUP", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "HAVING", "QUALIFY", "WINDOW", "SET", "WHEN", "VALUES", "SELECT" };

    readonly List<FakeTable> tables = [];
    List<string> tokens = [];
    FakeTable? target;

    public Statement Translate(string query)
    {
        tokens = [.. Lexer.Split(query.TrimEnd().TrimEnd(';'))];
        var significant = tokens.Where(t => !Blank(t)).ToList();
        if (significant.Count == 0) throw FakeError.InvalidQuery("Syntax error: Unexpected end of statement");
        if (significant.Contains(";")) throw FakeError.Unsupported("several statements in one query");
        var words = significant.Where(IsName).SelectMany(t => t[0] == '`' ? t.Trim('`').Split('.') : [t]).ToList();
        var common = new HashSet<string>(significant.Zip(significant.Skip(1)).Zip(significant.Skip(2)).Where(t => t.First.Second.Equals("AS", StringComparison.OrdinalIgnoreCase) && t.Second == "(" && IsName(t.First.First)).Select(t => t.First.First.Trim('`')), StringComparer.OrdinalIgnoreCase);
        var kind = significant[0].ToUpperInvariant();
        var output = new List<string>();
        string previous = "", before = "";
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            if (Blank(token))
            {
                output.Add(token.StartsWith("--", StringComparison.Ordinal) || token[0] is '#' or '/' ? " " : token);
                continue;
            }
            var text = IsName(token) && previous != "." ? Name(ref i, previous, before, kind, common, words) : Other(token, i, previous);
            output.Add(text);
            (before, previous) = (previous, token);
        }
        return new(string.Concat(output), kind is "WITH" or "(" ? "SELECT" : kind, tables, words, target, [.. output]);
    }

    /// <summary>A name: of a table, a column, a function or a word of the language.</summary>
    string Name(ref int i, string previous, string before, string kind, HashSet<string> common, List<string> words)
    {
        var token = tokens[i];
        var parts = new List<string>(Parts(token));
        var end = i;
        while (end + 2 < tokens.Count && tokens[end + 1] == "." && IsName(tokens[end + 2]))
        {
            parts.AddRange(Parts(tokens[end + 2]));
            end += 2;
        }
        var next = Next(end);
        var place = beforeTables.Contains(previous) || previous == "," && parts.Count > 1;
        if (place && next != "(" && !notAliases.Contains(token) && !beforeTables.Contains(token) && Resolve(parts, common, must: previous != ",") is { } table)
        {
            i = end;
            var changes = previous.ToUpperInvariant() is "INTO" or "MERGE" or "UPDATE" or "INSERT" or "DELETE" || previous.Equals("FROM", StringComparison.OrdinalIgnoreCase) && before.Equals("DELETE", StringComparison.OrdinalIgnoreCase);
            if (changes) target ??= table;
            // GoogleSQL's INTO and FROM may be left out there; DuckDB's may not.
            var into = previous.ToUpperInvariant() switch { "MERGE" or "INSERT" => "INTO ", "DELETE" => "FROM ", _ => "" };
            // The pseudo column is not among the columns of *.
            if (changes || table.Partitioning is not { IsByLoadTime: true } || words.Contains(Partitioning.LoadTime, StringComparer.OrdinalIgnoreCase)) return into + table.Sql;
            return $"(SELECT * EXCLUDE ({Partitioning.LoadTime}) FROM {table.Sql}){(next.Equals("AS", StringComparison.OrdinalIgnoreCase) || IsName(next) && !notAliases.Contains(next) ? "" : $" AS {Duck.Quote(table.Name.Table)}")}";
        }
        if (token[0] == '`') return string.Join('.', Parts(token).Select(Duck.Quote));
        return Word(token, next, previous);
    }

    /// <summary>A word whose meaning differs.</summary>
    string Word(string token, string next, string previous) => token.ToUpperInvariant() switch
    {
        "SAFE_CAST" => "TRY_CAST",
        "EXCEPT" when previous == "*" => "EXCLUDE",
        "ROW" when previous.Equals("INSERT", StringComparison.OrdinalIgnoreCase) => throw FakeError.Unsupported("INSERT ROW; write INSERT (columns) VALUES (…)"),
        "STRUCT" when next == "(" => throw FakeError.Unsupported("STRUCT(…)"),
        "TIMESTAMP" when next == "(" => "to_instant",
        "TIMESTAMP" => "TIMESTAMPTZ",
        "DATETIME" when next == "(" => "to_datetime",
        "DATETIME" => "TIMESTAMP",
        "DATE" when next == "(" => "to_day",
        "NUMERIC" when next != "(" => "DECIMAL(38,9)",
        "BIGNUMERIC" when next != "(" => "DECIMAL(38,18)",
        "CURRENT_TIMESTAMP" => next == "(" ? $"to_instant" : Now("TIMESTAMPTZ"),
        "CURRENT_DATE" => next == "(" ? "to_day" : Now("DATE"),
        _ => token,
    };

    string Other(string token, int i, string previous)
    {
        if (token[0] is '\'' or '"') return Lexer.Literal(token);
        // A column behind its table's alias.
        if (token[0] == '`') return string.Join('.', Parts(token).Select(Duck.Quote));
        // CURRENT_TIMESTAMP(): the same functions with the fake's time between the brackets.
        if (token == "(" && previous.ToUpperInvariant() is "CURRENT_TIMESTAMP" or "CURRENT_DATE" && Next(i) == ")") return $"({Now("TIMESTAMPTZ")}";
        return token;
    }

    string Now(string type) => $"CAST(make_timestamptz({warehouse.Now}000) AS {type})";

    FakeTable? Resolve(List<string> parts, HashSet<string> common, bool must)
    {
        TableName name;
        if (parts.Count == 1)
        {
            if (defaultDataset is not { } dataset || common.Contains(parts[0])) return null;
            name = new(dataset.Project, dataset.Dataset, parts[0]);
            must = false;
        }
        else name = new(parts.Count > 2 ? string.Join('.', parts[..^2]) : Project(), parts[^2], parts[^1]);
        if (warehouse.Find(name) is not { } table)
        {
            if (!must) return null;
            throw FakeError.NotFound(warehouse.HasDataset(name.In) ? $"Not found: Table {name} was not found in location {warehouse.LocationOf(name.In)}" : $"Not found: Dataset {name.In} was not found in location {JobLocation}");
        }
        tables.Add(table);
        // What a view reads is read: cloud.google.com/bigquery/docs/querying-partitioned-tables, "require partition filter" holds through views.
        if (table.IsView) tables.AddRange(new GoogleSql(warehouse, name.In) { ProjectOfJob = Project() }.Translate(table.Resource["view"].Text("query")!).Tables);
        return table;
    }

    /// <summary>Whose the tables are that are named without a project.</summary>
    public string? ProjectOfJob { get; init; }

    /// <summary>For messages.</summary>
    public string JobLocation { get; init; } = "US";

    string Project() => ProjectOfJob ?? defaultDataset?.Project ?? throw FakeError.InvalidQuery("A table is named without a project.");

    string Next(int i)
    {
        for (i++; i < tokens.Count; i++)
            if (!Blank(tokens[i])) return tokens[i];
        return "";
    }

    static string[] Parts(string token) => token[0] == '`' ? token.Trim('`').Split('.') : [token];

    static bool Blank(string token) => char.IsWhiteSpace(token[0]) || token[0] == '#' || token.StartsWith("--", StringComparison.Ordinal) || token.StartsWith("/*", StringComparison.Ordinal);

    static bool IsName(string token) => token.Length > 0 && (char.IsLetter(token[0]) || token[0] is '_' or '`');
}

/// <summary>Cuts GoogleSQL into tokens.</summary>
static class Lexer
{
    public static IEnumerable<string> Split(string sql)
    {
        for (var at = 0; at < sql.Length;)
        {
            var end = End(sql, at);
            yield return sql[at..end];
            at = end;
        }
    }

    /// <summary>A string as standard SQL has it.</summary>
    public static string Literal(string token)
    {
        var text = new StringBuilder();
        for (var i = 1; i < token.Length - 1; i++)
        {
            if (token[i] != '\\') text.Append(token[i]);
            else text.Append(token[++i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
        }
        return Duck.Text(text.ToString());
    }

    static int End(string sql, int at)
    {
        var c = sql[at];
        if (char.IsWhiteSpace(c)) return While(sql, at, char.IsWhiteSpace);
        if (char.IsLetter(c) || c == '_') return While(sql, at, d => char.IsLetterOrDigit(d) || d == '_');
        if (char.IsDigit(c)) return While(sql, at, d => char.IsLetterOrDigit(d) || d == '.');
        if (c == '#' || sql.AsSpan(at).StartsWith("--")) return sql.IndexOf('\n', at) is >= 0 and var line ? line : sql.Length;
        if (sql.AsSpan(at).StartsWith("/*")) return sql.IndexOf("*/", at, StringComparison.Ordinal) is >= 0 and var close ? close + 2 : sql.Length;
        if (c is not ('\'' or '"' or '`')) return at + 1;
        for (var i = at + 1; i < sql.Length; i++)
        {
            if (sql[i] == '\\') i++;
            else if (sql[i] == c) return i + 1;
        }
        throw FakeError.InvalidQuery("Syntax error: Unclosed string literal");
    }

    static int While(string sql, int at, Func<char, bool> belongs)
    {
        while (at < sql.Length && belongs(sql[at])) at++;
        return at;
    }
}
