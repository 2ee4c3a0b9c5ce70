using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Scoring;

namespace BatchMl.Parquet;

/// <summary>
/// The partition column: it is in the folder's name and therefore, as Hive has it, not in the files; readers put it back. Its rows must all have the partition's value, or something would be lost.
/// </summary>
sealed class PartitionColumn
{
    readonly PartitionKey key;
    readonly object? value;
    readonly ColumnType? type;

    /// <exception cref="DefinitionException">The schema's partition column can not be told from a folder's name.</exception>
    public PartitionColumn(PartitionKey key, Schema schema)
    {
        this.key = key;
        Index = schema.GetFieldIndex(key.Column);
        if (Index < 0) return;
        var found = schema.GetFieldByIndex(Index).DataType;
        type = Columns.TypeOf(found);
        value = type is ColumnType.String or ColumnType.Int64 or ColumnType.Date ? HiveColumns.Parse(key.Value, type.Value) : null;
        if (value is null)
        {
            throw new DefinitionException($"Partition column '{key.Column}' of {key.Dataset} has type {LineageTypes.Text(found)} and value '{key.Value}'. "
                + "Expected text, an integer, or a date written as 2013-10-01: only those can be read back from a folder's name.");
        }
    }

    /// <summary>Its position among the columns; -1: the rows do not have it.</summary>
    public int Index { get; }

    /// <summary>Checks that every row of a batch belongs to the partition.</summary>
    /// <exception cref="DataException">A row does not.</exception>
    public void Check(RecordBatch batch, long firstRow)
    {
        if (Index < 0) return;
        var column = Columns.Normalize(batch.Column(Index));
        for (var row = 0; row < column.Length; row++)
        {
            if (column.IsValid(row) && column switch
            {
                Int64Array a => a.Values[row] == (long)value!,
                Date32Array a => a.Values[row] == (int)value!,
                _ => ((StringArray)column).GetBytes(row).SequenceEqual(Utf8),
            }) continue;
            throw new DataException($"Row {firstRow + row} of partition {key} has {key.Column} = {Columns.ValueAt(column, row) ?? "null"}{(type == ColumnType.Date ? " days since 1970" : "")}; "
                + $"expected {key.Value} in every row of the partition. Correct the rows, or the partition that they are written to.");
        }
    }

    ReadOnlySpan<byte> Utf8 => utf8 ??= System.Text.Encoding.UTF8.GetBytes(key.Value);
    byte[]? utf8;

    /// <summary>The schema as <c>[{"name","type","nullable"}]</c>, partition column included.</summary>
    public static string Describe(Schema schema) => JsonSerializer.Serialize(
        schema.FieldsList.Select(f => new Described(f.Name, LineageTypes.Text(f.DataType), f.IsNullable) { Description = ScoreLayout.DescriptionOf(f) }), json);

    /// <summary>The names in a described schema, and the partition column with the type that it was written with, if the rows had it.</summary>
    public static (string[] Names, HiveColumns Hive) Restore(StagedPartition partition, ParquetLayout layout)
    {
        var described = JsonSerializer.Deserialize<Described[]>(partition.SchemaJson, json)!;
        var names = described.Select(d => d.Name).ToArray();
        if (layout.ForOtherReaders || described.FirstOrDefault(d => d.Name == partition.Key.Column) is not { } column) return (names, new HiveColumns());
        var type = column.Type.StartsWith("date", StringComparison.Ordinal) ? ColumnType.Date
            : column.Type.Contains("int", StringComparison.Ordinal) ? ColumnType.Int64 : ColumnType.String;
        return (names, new HiveColumns(new HiveColumn(column.Name, type, [HiveColumns.Parse(partition.Key.Value, type)])));
    }

    static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    sealed record Described(string Name, string Type, bool Nullable)
    {
        public string? Description { get; init; }
    }
}
