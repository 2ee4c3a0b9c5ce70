using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>Query jobs. .../rest/v2/Job#JobConfigurationQuery.</summary>
sealed class Queries(Warehouse warehouse, TableWriter writer)
{
    /// <summary>"10 MB minimum data processed per table referenced by the query", rounded up to whole ones for each: cloud.google.com/bigquery/pricing#on_demand_pricing and exmergo/dex#320.</summary>
    static long Billed(long bytes) => Math.Max(10, (bytes + (1 << 20) - 1) >> 20) << 20;

    Duck Duck => warehouse.Duck;

    /// <summary>What a query would do: the statistics of a dry run.</summary>
    public (Statement Statement, JsonObject Statistics) Analyse(JsonObject query, string project, string location)
    {
        // "The default value is true".
        if (query["useLegacySql"] is null || query.Flag("useLegacySql")) throw FakeError.Unsupported("legacy SQL (useLegacySql is true by default)");
        var dataset = query["defaultDataset"] is { } given ? new DatasetName(given.Text("projectId") ?? project, given.Text("datasetId")!) : (DatasetName?)null;
        var statement = new GoogleSql(warehouse, dataset) { ProjectOfJob = project, JobLocation = location }.Translate(query.Text("query") ?? throw FakeError.Invalid("Required parameter is missing: query"));
        if (statement.Kind is "CREATE" or "ALTER" or "DROP" or "TRUNCATE" or "BEGIN" or "DECLARE" or "LOAD" or "EXPORT" or "CALL") throw FakeError.Unsupported($"statements that begin with {statement.Kind}");
        if (statement.Kind is not ("SELECT" or "INSERT" or "UPDATE" or "DELETE" or "MERGE")) throw FakeError.InvalidQuery($"Syntax error: Unexpected identifier \"{statement.Kind}\" at [1:1]");
        foreach (var table in statement.Tables) CheckFilter(statement, table);
        var sizes = statement.Tables.DistinctBy(t => t.Name).Where(t => !t.IsView).Select(t => Sizes.Of(Duck, t, Read(statement, t))).ToList();
        var statistics = new JsonObject
        {
            ["statementType"] = statement.Kind,
            ["totalBytesProcessed"] = sizes.Sum().Wire(),
            ["totalBytesBilled"] = sizes.Sum(Billed).Wire(),
            // Assumption: partitions are not pruned here, so it is what a clustered table's estimate is, an upper bound.
            ["totalBytesProcessedAccuracy"] = "UPPER_BOUND",
            ["referencedTables"] = new JsonArray([.. statement.Tables.Select(t => t.Name).Distinct().Select(t => (JsonNode)t.Json())]),
            ["cacheHit"] = false,
        };
        if (statement.Kind == "SELECT") statistics["schema"] = new JsonObject { ["fields"] = new JsonArray([.. Columns(statement).Select(f => (JsonNode)f.Json)]) };
        return (statement, statistics);
    }

    /// <summary>Runs it. A SELECT's rows are in <paramref name="result"/> of DuckDB then.</summary>
    public (JsonObject Statistics, IReadOnlyList<Field> Fields) Run(JsonObject query, string project, string location, string result)
    {
        var (statement, statistics) = Analyse(query, project, location);
        var billed = statistics.Number("totalBytesBilled")!.Value;
        // cloud.google.com/bigquery/docs/best-practices-costs#restrict-bytes-billed: "the query fails without incurring a charge". Wording: exmergo/dex#320.
        if (query.Number("maximumBytesBilled") is { } limit && billed > limit) throw new FakeError(400, "bytesBilledLimitExceeded", $"Query exceeded limit for bytes billed: {limit}. {billed} or higher required.");
        if (statement.Kind == "SELECT") return (statistics, Select(query, statement, result));
        statistics.Remove("schema");
        if (query["destinationTable"] is not null) throw FakeError.Invalid("Cannot set destination table in jobs with DML statements");
        if (statement.Kind == "MERGE") CheckMerge(statement);
        Duck.Atomically(() => { Change(statement, statistics); return 0; });
        warehouse.Touch(statement.Target!.Resource);
        return (statistics, []);
    }

    List<Field> Select(JsonObject query, Statement statement, string result)
    {
        var fields = Columns(statement);
        Duck.Run($"CREATE OR REPLACE TABLE {result} AS {statement.Sql}");
        if (query["destinationTable"] is not { } destination) return fields;
        writer.Write(new()
        {
            Destination = TableName.Of(destination),
            Create = query.Text("createDisposition") ?? "CREATE_IF_NEEDED",
            // "The default value is WRITE_EMPTY".
            Write = query.Text("writeDisposition") ?? "WRITE_EMPTY",
            Add = query.Texts("schemaUpdateOptions").Contains("ALLOW_FIELD_ADDITION"),
            Relax = query.Texts("schemaUpdateOptions").Contains("ALLOW_FIELD_RELAXATION"),
            Spec = Loads.Spec(query),
            From = result,
            Source = fields,
            Fields = fields,
        });
        return fields;
    }

    List<Field> Columns(Statement statement)
    {
        var fields = Duck.Describe(statement.Sql).Select(c => DuckTypes.FieldOf(c.Name, c.Type)).ToList();
        // Results have no parameterized types: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types.
        foreach (var field in fields)
        {
            field.Json.Remove("precision");
            field.Json.Remove("scale");
        }
        return fields;
    }

    void Change(Statement statement, JsonObject statistics)
    {
        long inserted = 0, updated = 0, deleted = 0;
        if (statement.Kind == "MERGE")
        {
            foreach (var action in Duck.Texts($"{statement.Sql} RETURNING merge_action"))
                _ = action switch { "INSERT" => inserted++, "UPDATE" => updated++, _ => deleted++ };
        }
        else
        {
            var rows = Duck.Run(statement.Sql);
            _ = statement.Kind switch { "INSERT" => inserted = rows, "UPDATE" => updated = rows, _ => deleted = rows };
        }
        statistics["numDmlAffectedRows"] = (inserted + updated + deleted).Wire();
        statistics["dmlStats"] = new JsonObject { ["insertedRowCount"] = inserted.Wire(), ["updatedRowCount"] = updated.Wire(), ["deletedRowCount"] = deleted.Wire() };
    }

    /// <summary>"If a row in the table to be updated joins with more than one row from the FROM clause … runtime error": cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement. Wording: duneanalytics/spellbook#8356.</summary>
    void CheckMerge(Statement statement)
    {
        var (into, use, on, when) = (Find(statement.Tokens, "MERGE", 0), -1, -1, -1);
        use = Find(statement.Tokens, "USING", into);
        on = Find(statement.Tokens, "ON", use);
        when = Find(statement.Tokens, "WHEN", on);
        if (into < 0 || use < 0 || on < 0 || when < 0) throw FakeError.InvalidQuery("Syntax error: expected MERGE … USING … ON … WHEN");
        var clauses = string.Join(' ', statement.Tokens.Skip(when).Where(t => !string.IsNullOrWhiteSpace(t))).ToUpperInvariant();
        if (!clauses.Contains("WHEN MATCHED", StringComparison.Ordinal)) return;
        string Part(int from, int to) => string.Concat(statement.Tokens.Skip(from + 1).Take(to - from - 1));
        var target = Part(into, use).Trim();
        if (target.StartsWith("INTO ", StringComparison.OrdinalIgnoreCase)) target = target[5..];
        var alias = statement.Tokens.Skip(into + 1).Take(use - into - 1).LastOrDefault(t => !string.IsNullOrWhiteSpace(t))!;
        if (alias.Contains('.', StringComparison.Ordinal)) alias = Duck.Quote(statement.Target!.Name.Table);
        if (Duck.Number($"SELECT count(*) FROM (SELECT {alias}.rowid FROM {target} JOIN {Part(use, on)} ON {Part(on, when)} GROUP BY 1 HAVING count(*) > 1)") > 0)
            throw FakeError.InvalidQuery("UPDATE/MERGE must match at most one source row for each target row");
    }

    /// <summary>A word outside of brackets.</summary>
    static int Find(IReadOnlyList<string> tokens, string word, int from)
    {
        for (int i = Math.Max(from, 0), depth = 0; i < tokens.Count; i++)
        {
            if (tokens[i] == "(") depth++;
            else if (tokens[i] == ")") depth--;
            else if (depth == 0 && tokens[i].Equals(word, StringComparison.OrdinalIgnoreCase)) return i;
        }
        return -1;
    }

    /// <summary>Columns that are paid for: those that are named, or all with a star. cloud.google.com/bigquery/docs/best-practices-costs.</summary>
    static List<Field> Read(Statement statement, FakeTable table)
    {
        var all = statement.Tokens.Any(t => t == "*") && statement.Kind == "SELECT";
        return [.. table.Fields.Where(f => all || statement.Words.Contains(f.Name, StringComparer.OrdinalIgnoreCase))];
    }

    /// <summary>
    /// cloud.google.com/bigquery/docs/querying-partitioned-tables ("Require a partition filter") and using-dml-with-partitioned-tables (a MERGE may have it in USING's subquery, in ON, or in WHEN). Wording: mozilla/bigquery-etl#2673. Assumption: whether the filter could really leave
    /// partitions out is not looked at; the column must be named in a condition.
    /// </summary>
    static void CheckFilter(Statement statement, FakeTable table)
    {
        if (!table.Resource.Flag("requirePartitionFilter") || table.Partitioning is not { } cut || statement.Kind == "INSERT" && statement.Target == table) return;
        var armed = false;
        foreach (var token in statement.Tokens)
        {
            var word = token.Trim('"').ToUpperInvariant();
            if (word is "WHERE" or "ON" or "WHEN" or "HAVING") armed = true;
            else if (word is "SELECT" or "GROUP" or "ORDER" or "SET" or "VALUES" or "THEN" or "LIMIT") armed = false;
            else if (armed && (word == cut.Column.ToUpperInvariant() || cut.IsByLoadTime && word == "_PARTITIONDATE")) return;
        }
        throw FakeError.InvalidQuery($"Cannot query over table '{table.Name.Project}.{table.Name.Dataset}.{table.Name.Table}' without a filter over column(s) '{cut.Column}' that can be used for partition elimination");
    }
}
