namespace BatchMl.Fakes;

/// <summary>Expressions that turn values of one column into another's.</summary>
static class Conversion
{
    /// <summary>A value of one field as one of another, which must be loadable from it.</summary>
    public static string Sql(string x, Field from, Field to, int depth = 0)
    {
        // "REPEATED" has no nulls, see WireRows.
        if (to.IsRepeated) return $"CAST(coalesce(list_transform({x}, lambda e{depth}: {One($"e{depth}", from, to, depth + 1)}), []) AS {to.DuckType})";
        return from.IsRepeated ? $"CASE WHEN {x} IS NULL THEN NULL ELSE {Wrapped(x, from, to, depth)} END" : One(x, from, to, depth);
    }

    static string One(string x, Field from, Field to, int depth)
    {
        if (to.Type != "RECORD") return $"CAST({x} AS {to.DuckValue})";
        var values = to.Fields.Select(inner => $"{Duck.Text(inner.Name)}: {(Find(from.Fields, inner.Name) is { } source ? Sql($"struct_extract({x}, {Duck.Text(source.Name)})", source, inner, depth) : Missing(inner))}");
        return $"CASE WHEN {x} IS NULL THEN NULL ELSE {{{string.Join(", ", values)}}} END";
    }

    /// <summary>A list as a record with the repeated field <c>list</c> of records with the field <c>element</c>: what BigQuery makes of it without <c>enableListInference</c>.
    /// cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#list_logical_type.</summary>
    static string Wrapped(string x, Field from, Field to, int depth)
    {
        var element = to.Fields[0].Fields[0];
        return $"{{'list': list_transform({x}, lambda e{depth}: {{'element': {One($"e{depth}", from, element, depth + 1)}}})}}";
    }

    /// <summary>The value of a column that the source does not have.</summary>
    public static string Missing(Field field) => field.IsRepeated ? $"CAST([] AS {field.DuckType})" : $"CAST(NULL AS {field.DuckType})";

    /// <summary>Names of columns are compared without case: cloud.google.com/bigquery/docs/schemas#column_names ("duplicate column names are not allowed even if the case differs").</summary>
    public static Field? Find(IReadOnlyList<Field> fields, string name) => fields.Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(f => (Field?)f).FirstOrDefault();
}
