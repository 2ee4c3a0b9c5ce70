namespace BatchMl.DuckDb;

/// <summary>Names and texts as DuckDB's SQL writes them.</summary>
static class DuckDbText
{
    public static string Name(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary><c>{'a': 'BIGINT', …}</c></summary>
    public static string Struct(IEnumerable<KeyValuePair<string, string>> entries) => $"{{{string.Join(", ", entries.Select(e => $"{Literal(e.Key)}: {Literal(e.Value)}"))}}}";
}
