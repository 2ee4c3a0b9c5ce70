using System.Text.Json;
using Apache.Arrow;
using BatchMl.BigQuery.Client;
using BatchMl.Lineage;
using BatchMl.Scoring;

namespace BatchMl.BigQuery;

/// <summary>
/// The columns of rows as BigQuery has them. Read off the text of their types, since that is what is committed with a partition: a process that only finishes what another one committed knows no more.
/// </summary>
static class DescribedSchema
{
    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web);

    sealed record Described(string Name, string Type, bool Nullable, string? Description);

    /// <summary>The columns of a staged partition.</summary>
    /// <exception cref="DefinitionException">Some have types that BigQuery does not have; all of them.</exception>
    public static BigQuerySchema Of(string schemaJson) => Of([.. JsonSerializer.Deserialize<Described[]>(schemaJson, json)!.Select(d => (d.Name, d.Type, d.Nullable, d.Description))]);

    /// <summary>The columns of rows that are planned.</summary>
    /// <exception cref="DefinitionException">Some have types that BigQuery does not have; all of them.</exception>
    public static BigQuerySchema Of(Schema schema) => Of([.. schema.FieldsList.Select(f => (f.Name, LineageTypes.Text(f.DataType), f.IsNullable, ScoreLayout.DescriptionOf(f)))]);

    static BigQuerySchema Of((string Name, string Type, bool Nullable, string? Description)[] columns)
    {
        var (fields, problems) = (new List<BigQueryField>(), new List<string>());
        foreach (var (name, type, nullable, description) in columns)
        {
            if (FieldTypes.Of(name, type, nullable, out var why) is { } field) fields.Add(field with { Description = description });
            else problems.Add($"Column '{name}' has type {type}, {why}");
        }
        return problems.Count > 0 ? throw new DefinitionException(problems) : new BigQuerySchema(fields);
    }
}
