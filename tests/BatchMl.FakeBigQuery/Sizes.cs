namespace BatchMl.Fakes;

/// <summary>Logical bytes: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#data_type_sizes (8 for numbers and times, 1 for truth values, 16 for NUMERIC, 2 + UTF-8 for text; nulls nothing).</summary>
static class Sizes
{
    public static long Of(Duck duck, FakeTable table, IReadOnlyList<Field> fields) =>
        fields.Count == 0 ? 0 : duck.Number($"SELECT coalesce(sum({string.Join(" + ", fields.Select(f => $"({Sql(f, Duck.Quote(f.Name), 0)})"))}), 0)::BIGINT FROM {table.Sql}");

    static string Sql(Field field, string x, int depth)
    {
        if (field.IsRepeated) return $"coalesce(list_sum(list_transform({x}, lambda e{depth}: {One(field, $"e{depth}", depth + 1)})), 0)";
        return $"CASE WHEN {x} IS NULL THEN 0 ELSE {One(field, x, depth)} END";
    }

    static string One(Field field, string x, int depth) => field.Type switch
    {
        "BOOLEAN" => "1",
        "STRING" or "JSON" or "GEOGRAPHY" => $"2 + strlen(CAST({x} AS VARCHAR))",
        "BYTES" => $"2 + octet_length({x})",
        "NUMERIC" => "16",
        "BIGNUMERIC" => "32",
        "RECORD" => string.Join(" + ", field.Fields.Select(f => $"({Sql(f, $"struct_extract({x}, {Duck.Text(f.Name)})", depth)})")),
        _ => "8",
    };
}
