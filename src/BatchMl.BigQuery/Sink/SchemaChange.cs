using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery;

/// <summary>What a table's columns must become so that rows fit, and what can not be done about.</summary>
sealed class SchemaChange
{
    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString };

    readonly SchemaEvolution policy;
    readonly List<string> problems = [], changes = [];

    SchemaChange(SchemaEvolution policy) => this.policy = policy;

    /// <summary>The table's columns afterwards.</summary>
    public BigQuerySchema Schema { get; private set; } = new([]);

    /// <summary>What changes, in words; empty: nothing.</summary>
    public IReadOnlyList<string> Changes => changes;

    /// <summary>Everything for which the rows can not get in.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Compares.</summary>
    public static SchemaChange Of(BigQueryTable found, BigQuerySchema rows, SchemaEvolution policy)
    {
        var change = new SchemaChange(policy);
        change.Schema = new BigQuerySchema(change.Merge(found.Schema?.Fields ?? [], rows.Fields, "", found.TableReference.ToString()));
        return change;
    }

    /// <summary>The change as BigQuery takes it: the whole schema.</summary>
    public JsonObject ToPatch() => new() { ["schema"] = JsonSerializer.SerializeToNode(Schema, json) };

    List<BigQueryField> Merge(IReadOnlyList<BigQueryField> table, IReadOnlyList<BigQueryField> rows, string prefix, string where)
    {
        var merged = new List<BigQueryField>();
        foreach (var have in table)
        {
            var want = rows.FirstOrDefault(f => f.Name.Equals(have.Name, StringComparison.OrdinalIgnoreCase));
            merged.Add(want is null ? NotInRows(have, prefix, where) : Both(have, want, prefix, where));
        }
        foreach (var want in rows.Where(f => table.All(h => !h.Name.Equals(f.Name, StringComparison.OrdinalIgnoreCase))))
        {
            if (policy == SchemaEvolution.Strict)
                problems.Add($"{where} has no column {prefix}{want.Name} ({Text(want)}), which the rows have. Add it to the table, or let BigQuery:SchemaEvolution=add do so.");
            else changes.Add($"new column {prefix}{want.Name} ({want.Type})");
            merged.Add(want.Mode == FieldMode.Required ? want with { Mode = FieldMode.Nullable } : want);
        }
        return merged;
    }

    BigQueryField NotInRows(BigQueryField have, string prefix, string where)
    {
        if (have.Mode == FieldMode.Required) return Relax(have, prefix, $"{where} requires a value in {prefix}{have.Name}, and the rows have no such column.");
        if (policy == SchemaEvolution.Strict)
            problems.Add($"{where} has a column {prefix}{have.Name} ({Text(have)}), which the rows have not. Name another table, or take BigQuery:SchemaEvolution=add, which leaves it null.");
        return have;
    }

    BigQueryField Both(BigQueryField have, BigQueryField want, string prefix, string where)
    {
        var name = prefix + have.Name;
        if (FieldType.Canonical(have.Type) != want.Type || IsNarrower(have, want) || have.Mode == FieldMode.Repeated != (want.Mode == FieldMode.Repeated))
        {
            problems.Add($"{where} has {name} of type {Text(have)}; the rows have it of type {Text(want)}. BigQuery can not change a column's type: name another table, or change the column by ALTER TABLE or under another name.");
            return have;
        }
        if (want.Fields is { } inner) have = have with { Fields = Merge(have.Fields ?? [], inner, $"{name}.", where) };
        return have.Mode == FieldMode.Required && want.Mode != FieldMode.Required ? Relax(have, prefix, $"{where} requires a value in {name}, and the rows may have nulls there.") : have;
    }

    BigQueryField Relax(BigQueryField have, string prefix, string why)
    {
        if (policy != SchemaEvolution.Relax)
        {
            problems.Add($"{why} Take BigQuery:SchemaEvolution=relax, which makes the column nullable, or name another table.");
            return have;
        }
        changes.Add($"{prefix}{have.Name} becomes nullable");
        return have with { Mode = FieldMode.Nullable };
    }

    // A decimal column without digits holds all of its type.
    static bool IsNarrower(BigQueryField have, BigQueryField want) => have.Precision is { } precision
        && (want.Precision is not { } needed || precision - (have.Scale ?? 0) < needed - (want.Scale ?? 0) || (have.Scale ?? 0) < (want.Scale ?? 0));

    static string Text(BigQueryField field) =>
        $"{(field.Mode is null or FieldMode.Nullable ? "" : field.Mode + " ")}{FieldType.Canonical(field.Type)}{(field.Precision is { } p ? $"({p}, {field.Scale ?? 0})" : "")}";
}
