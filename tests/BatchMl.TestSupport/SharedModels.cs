using System.Text.Json;
using Apache.Arrow;
using BatchMl.Data;
using BatchMl.Scoring;

namespace BatchMl.TestSupport;

/// <summary>The models in <c>shared/models</c>, made by other tools, with 1,000 rows and what the tools themselves answered for them.</summary>
public static class SharedModels
{
    /// <summary>Full path of a file.</summary>
    public static string Path(string name) => Shared.Path("models/" + name);

    /// <summary>The rows, canonical types.</summary>
    public static RecordBatch Rows() => Read("inputs.parquet");

    /// <summary>A column of answers.</summary>
    public static double[] Expected(string column) => ((DoubleArray)Read("expected.parquet").Column(column)).Values.ToArray();

    /// <summary>Names of all columns of answers.</summary>
    public static IReadOnlyList<string> Answers() => [.. Read("expected.parquet").Schema.FieldsList.Select(f => f.Name)];

    /// <summary>How a model is imported whose inputs are these features, in this order.</summary>
    /// <param name="features">Names.</param>
    /// <param name="areCoded">Whether texts are given as the codes that the model was trained on.</param>
    public static ModelImport Import(IReadOnlyList<string> features, bool areCoded)
    {
        var rows = Rows();
        using var codes = JsonDocument.Parse(File.ReadAllBytes(Path("category_codes.json")));
        return new ModelImport
        {
            Name = "shared",
            Version = 1,
            FeatureService = "flights",
            FeatureServiceVersion = 1,
            Inputs = [.. features.Select(f => new ImportedInput(f, Columns.TypeOf(rows.Schema.GetFieldByName(f).DataType)!.Value)
            {
                Categories = areCoded && codes.RootElement.TryGetProperty(f, out var map) ? [.. map.EnumerateObject().OrderBy(p => p.Value.GetInt32()).Select(p => p.Name)] : null,
            })],
        };
    }

    static RecordBatch Read(string name)
    {
        using var file = new ParquetSharp.Arrow.FileReader(Path(name));
        using var reader = file.GetRecordBatchReader();
        var batches = new List<RecordBatch>();
        while (reader.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch) batches.Add(batch);
        IArrowArray[] columns = [.. Enumerable.Range(0, batches[0].ColumnCount).Select(c => Columns.Normalize(Columns.Concat([.. batches.Select(b => b.Column(c))])))];
        return new RecordBatch(new Schema(columns.Select((c, i) => new Field(batches[0].Schema.GetFieldByIndex(i).Name, c.Data.DataType, true)), null), columns, columns[0].Length);
    }
}
