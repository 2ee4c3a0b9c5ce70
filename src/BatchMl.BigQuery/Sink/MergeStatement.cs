using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>The statement that merges staged rows into a table.</summary>
static class MergeStatement
{
    /// <summary>
    /// Rows with equal keys are overwritten, others added; rows of the partition that its new version no longer has go. All or nothing, and the same done twice is the same done once.
    /// </summary>
    /// <param name="wanted">The table and its keys.</param>
    /// <param name="staging">The rows.</param>
    /// <param name="value">The partition.</param>
    public static string Of(WantedTable wanted, TableReference staging, string value)
    {
        var partition = wanted.Partition is { } field ? $"T.{Quoted(field.Name)} = {Literal(field.Type, value)}" : null;
        // A constant, so that BigQuery reads, and bills, this partition alone.
        List<string> on = [.. wanted.Keys.Contains(wanted.PartitionColumn) && partition is not null ? (string[])[partition] : [], .. wanted.Keys.Select(k => $"T.{Quoted(k)} = S.{Quoted(k)}")];
        var names = wanted.Schema.Fields.Select(f => Quoted(f.Name)).ToArray();
        var rest = wanted.Schema.Fields.Where(f => !wanted.Keys.Contains(f.Name)).Select(f => $"{Quoted(f.Name)} = S.{Quoted(f.Name)}").ToArray();
        return $"MERGE INTO {wanted.Table.ToSql()} AS T USING {staging.ToSql()} AS S ON {string.Join(" AND ", on)}"
            + (rest.Length > 0 ? $" WHEN MATCHED THEN UPDATE SET {string.Join(", ", rest)}" : "")
            + $" WHEN NOT MATCHED BY TARGET THEN INSERT ({string.Join(", ", names)}) VALUES ({string.Join(", ", names.Select(n => $"S.{n}"))})"
            + (partition is null ? "" : $" WHEN NOT MATCHED BY SOURCE AND {partition} THEN DELETE");
    }

    static string Quoted(string name) => $"`{name}`";

    static string Literal(string type, string value) => type switch
    {
        FieldType.Date => $"DATE '{value}'",
        FieldType.Integer => value,
        _ => $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal)}'",
    };
}
