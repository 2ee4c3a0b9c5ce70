namespace BatchMl.Fakes;

/// <summary>Rows as BigQuery sends them, written by DuckDB itself: <c>{"f":[{"v":…}]}</c>, every scalar a text. cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list and .../jobs/getQueryResults.</summary>
static class WireRows
{
    /// <summary>An expression that makes the whole row's JSON.</summary>
    /// <param name="fields">The columns to be sent.</param>
    /// <param name="microseconds">Timestamps as integers (<c>useInt64Timestamp</c>), not as seconds with a fraction.</param>
    public static string Row(IReadOnlyList<Field> fields, bool microseconds) => Cells(fields, f => Duck.Quote(f.Name), microseconds, 0);

    static string Cells(IReadOnlyList<Field> fields, Func<Field, string> value, bool microseconds, int depth) =>
        $"json_object('f', json_array({string.Join(", ", fields.Select(f => $"json_object('v', {Value(f, value(f), microseconds, depth)})"))}))";

    static string Value(Field field, string x, bool microseconds, int depth)
    {
        if (!field.IsRepeated) return Scalar(field, x, microseconds, depth);
        var item = $"e{depth}";
        // Null arrays are sent as empty ones: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#array_nulls.
        return $"to_json(list_transform(coalesce({x}, []), lambda {item}: json_object('v', {Scalar(field, item, microseconds, depth + 1)})))";
    }

    static string Scalar(Field field, string x, bool microseconds, int depth) => field.Type switch
    {
        "RECORD" => $"CASE WHEN {x} IS NULL THEN NULL ELSE {Cells(field.Fields, f => $"struct_extract({x}, {Duck.Text(f.Name)})", microseconds, depth)} END",
        "FLOAT" => $"CASE WHEN isnan({x}) THEN 'NaN' WHEN isinf({x}) THEN CASE WHEN {x} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE CAST({x} AS VARCHAR) END",
        "BYTES" => $"to_base64({x})",
        "TIMESTAMP" => microseconds ? $"CAST(epoch_us({x}) AS VARCHAR)" : $"CAST(epoch_us({x}) / 1e6 AS VARCHAR)",
        "DATETIME" => Fraction($"strftime({x}, '%Y-%m-%dT%H:%M:%S.%f')"),
        // DuckDB leaves zeros at a fraction's end out.
        "TIME" => $"CASE WHEN contains(CAST({x} AS VARCHAR), '.') THEN rpad(CAST({x} AS VARCHAR), 15, '0') ELSE CAST({x} AS VARCHAR) END",
        "NUMERIC" or "BIGNUMERIC" => $"CASE WHEN contains(CAST({x} AS VARCHAR), '.') THEN rtrim(rtrim(CAST({x} AS VARCHAR), '0'), '.') ELSE CAST({x} AS VARCHAR) END",
        // White space is not kept: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#json_type.
        "JSON" => $"CAST(json({x}) AS VARCHAR)",
        _ => $"CAST({x} AS VARCHAR)",
    };

    /// <summary>A fraction of nothing is not sent.</summary>
    static string Fraction(string text) => $"replace({text}, '.000000', '')";
}
