using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>A table as <c>--sink</c> names it.</summary>
public static class BigQueryAddress
{
    /// <summary>What such addresses begin with.</summary>
    public const string Scheme = "bigquery";

    /// <summary>The table that <c>bigquery://PROJECT/DATASET/TABLE</c> names.</summary>
    /// <exception cref="DefinitionException">It names none; everything that is wrong, at once.</exception>
    public static TableReference Parse(string address)
    {
        if (!address.StartsWith($"{Scheme}://", StringComparison.Ordinal) || address[(Scheme.Length + 3)..].TrimEnd('/').Split('/') is not [var project, var dataset, var table])
            throw new DefinitionException($"'{address}' names no table of BigQuery. Expected {Scheme}://PROJECT/DATASET/TABLE, e.g. {Scheme}://my-project/scores/flights.");
        var problems = new List<string>();
        BigQueryNames.CheckProject(project, problems);
        BigQueryNames.CheckDataset(dataset, problems);
        BigQueryNames.CheckTable(table, problems);
        if (table.Contains('$', StringComparison.Ordinal)) problems.Add($"'{address}' names one partition. Expected the table alone: each partition of the rows goes into its own.");
        return problems.Count > 0 ? throw new DefinitionException(problems) : new TableReference(project, dataset, table);
    }

    /// <summary>The address of a table.</summary>
    public static string Of(TableReference table) => $"{Scheme}://{table.ProjectId}/{table.DatasetId}/{table.TableId}";
}
