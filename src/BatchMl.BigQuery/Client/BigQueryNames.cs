using System.Text.RegularExpressions;

namespace BatchMl.BigQuery.Client;

/// <summary>What may be a name. Found here rather than by BigQuery, which may say so only after a file was sent, or would take a slip for another table.</summary>
static partial class BigQueryNames
{
    static readonly string[] forbiddenPrefixes = ["_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER", "_CHANGE_"];

    public static void Check(DatasetReference dataset)
    {
        var problems = new List<string>();
        CheckProject(dataset.ProjectId, problems);
        CheckDataset(dataset.DatasetId, problems);
        Throw(problems);
    }

    public static void Check(TableReference table)
    {
        var problems = new List<string>();
        CheckProject(table.ProjectId, problems);
        CheckDataset(table.DatasetId, problems);
        CheckTable(table.TableId, problems);
        Throw(problems);
    }

    public static void Check(JobReference job, JobConfiguration configuration)
    {
        var problems = new List<string>();
        if (!JobId().IsMatch(job.JobId)) problems.Add($"A job of BigQuery is to be called '{job.JobId}'. Expected letters, digits, '_' and '-', 1 to 1,024 of them.");
        if (configuration.Destination is { } table)
        {
            CheckDataset(table.DatasetId, problems);
            CheckTable(table.TableId, problems);
        }
        if (configuration.Labels is { } labels) BigQueryLabels.Check(labels, problems);
        if (configuration.Load?.Schema is { } schema) CheckFields(schema.Fields, "", $"the load into {configuration.Load.DestinationTable}", problems);
        Throw(problems);
    }

    public static void CheckSchema(BigQuerySchema? schema, string where)
    {
        var problems = new List<string>();
        if (schema is not null) CheckFields(schema.Fields, "", where, problems);
        Throw(problems);
    }

    public static void CheckProject(string project, List<string> problems)
    {
        if (!Project().IsMatch(project)) problems.Add($"BigQuery's project is '{project}'. Expected the id (not the name or number) of a project of Google Cloud: 6 to 30 lowercase letters, digits and '-', beginning with a letter.");
    }

    public static void CheckDataset(string dataset, List<string> problems)
    {
        if (!Dataset().IsMatch(dataset)) problems.Add($"A dataset of BigQuery is to be called '{dataset}'. Expected letters, digits and '_', 1 to 1,024 of them.");
    }

    public static void CheckTable(string table, List<string> problems)
    {
        if (!Table().IsMatch(table)) problems.Add($"A table of BigQuery is to be called '{table}'. Expected letters, digits, '_', '-' and spaces, at most 1,024 bytes, and after '$' a partition such as 20261030.");
        else if (System.Text.Encoding.UTF8.GetByteCount(table.Split('$')[0]) > 1024) problems.Add($"A table of BigQuery is to have a name of {System.Text.Encoding.UTF8.GetByteCount(table):N0} bytes, '{table[..20]}…'. Expected 1,024 at most.");
    }

    /// <summary>The names of fields and of those within them.</summary>
    public static void CheckFields(IReadOnlyList<BigQueryField> fields, string prefix, string where, List<string> problems)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in fields)
        {
            var name = prefix + field.Name;
            if (field.Name.Length > 300) problems.Add($"Column '{name[..20]}…' of {where} has a name of {field.Name.Length} characters. Expected 300 at most.");
            else if (field.Name.Contains('.', StringComparison.Ordinal)) problems.Add($"Column '{name}' of {where} has a dot in its name, which BigQuery can not load from Parquet. Rename it, e.g. '{field.Name.Replace('.', '_')}'.");
            else if (!Column().IsMatch(field.Name)) problems.Add($"Column '{name}' of {where} is no name for BigQuery. Expected ASCII letters, digits and '_', not beginning with a digit.");
            else if (forbiddenPrefixes.FirstOrDefault(p => field.Name.StartsWith(p, StringComparison.OrdinalIgnoreCase)) is { } forbidden) problems.Add($"Column '{name}' of {where} begins with '{forbidden}', which BigQuery keeps for itself. Rename it.");
            if (!seen.TryAdd(field.Name, name)) problems.Add($"Columns '{seen[field.Name]}' and '{name}' of {where} differ in case at most. BigQuery takes them for one: rename one.");
            if (field.Fields is { } inner) CheckFields(inner, $"{name}.", where, problems);
        }
    }

    static void Throw(List<string> problems)
    {
        if (problems.Count > 0) throw new DefinitionException(problems);
    }

    // With the older form of ids that belong to a domain, "example.com:project".
    [GeneratedRegex(@"\A([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex Project();

    [GeneratedRegex(@"\A[A-Za-z0-9_]{1,1024}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dataset();

    // Categories L, M, N, Pc, Pd and Zs, as the documentation lists them.
    [GeneratedRegex(@"\A[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]+(\$[0-9A-Za-z_-]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Table();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Column();

    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,1024}\z", RegexOptions.CultureInvariant)]
    private static partial Regex JobId();
}
