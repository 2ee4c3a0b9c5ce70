using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>
/// A fitted encoder: the only way a model sees features. Fitted on training rows only; saved in the model package; immutable and thread-safe.
/// </summary>
public sealed class Encoder
{
    readonly Schema schema;

    internal Encoder(string? label, IReadOnlyList<FittedEncoding> encodings, string? weight = null)
    {
        (Label, Weight, Encodings) = (label, weight, encodings);
        Outputs = [.. encodings.SelectMany(e => e.Outputs)];
        Inputs = [.. encodings.Select(e => (e.Feature, e.Type))];
        CategoricalOutputs = [.. encodings.OfType<FittedCategory>().SelectMany(e => e.Outputs).Select(o => o.Name)];
        schema = new Schema([.. Outputs.Select(o => new Field(o.Name, ModelArrays.ArrowType(o.Type), nullable: false))], null);
    }

    internal string? Label { get; }

    /// <summary>The column of the training rows' weights, where target encodings need it.</summary>
    internal string? Weight { get; }

    internal IReadOnlyList<FittedEncoding> Encodings { get; }

    /// <summary>The model inputs it gives, in order.</summary>
    public IReadOnlyList<ModelColumn> Outputs { get; }

    /// <summary>The features it reads, in order, with the types it was fitted on.</summary>
    public IReadOnlyList<(string Name, ColumnType Type)> Inputs { get; }

    /// <summary>Names of outputs that hold category codes.</summary>
    public IReadOnlyList<string> CategoricalOutputs { get; }

    /// <summary>
    /// Fits on training rows. By default (no encoding given for a feature) numbers and booleans are <see cref="NumericEncoding"/>, text is <see cref="CategoryEncoding"/>.
    /// </summary>
    /// <param name="trainingRows">Batches of one schema that hold the features and, for target encodings, the label.</param>
    /// <param name="features">Columns to encode, in the order the model will see them.</param>
    /// <param name="label">The label's column: Boolean, Int64 or Double. Read only by target encodings, where a null is an error.</param>
    /// <param name="encodings">Encodings that differ from the default.</param>
    /// <param name="weight">The column that says how many rows each stands for, Double, above 0; null: each for itself. Target encodings weigh the label with it; vocabularies, and means and deviations of numbers, are those of the rows as they are.</param>
    /// <exception cref="DefinitionException">A feature of a type that needs an explicit derivation (Timestamp, Date), an encoding of an unknown feature; all problems at once.</exception>
    /// <exception cref="DataException">The rows do not give what an encoding learns: no rows, nothing to take a mean of, an infinite value, a null label.</exception>
    public static Encoder Fit(IReadOnlyList<RecordBatch> trainingRows, IReadOnlyList<string> features, string label, IReadOnlyList<Encoding> encodings, string? weight = null) =>
        new EncoderFit(trainingRows, features, label, encodings, weight).Run();

    /// <summary>An encoder that passes columns through by type, for models made elsewhere with inputs of these names. A null text becomes the empty text.</summary>
    /// <param name="columns">Which feature, of which type, becomes which input, in the model's order.</param>
    /// <param name="categories">
    /// For inputs that are codes of a text, integer or boolean feature: the categories by input name, in the order of their codes 0, 1, …; null and unknown categories become NaN. The input is Float.
    /// </param>
    /// <exception cref="DefinitionException">A column's type can not be converted to its input's type, or an input appears twice; all at once.</exception>
    public static Encoder PassThrough(
        IReadOnlyList<(string Feature, ColumnType Type, ModelColumn Output)> columns, IReadOnlyDictionary<string, IReadOnlyList<string>>? categories = null)
    {
        bool IsCode(ModelColumn input) => categories?.ContainsKey(input.Name) == true;
        string[] problems = [
            .. columns.Where(c => !IsCode(c.Output) && !FittedPassThrough.CanConvert(c.Type, c.Output.Type))
                .Select(c => $"The model's input {c.Output.Name} is {c.Output.Type}, but feature {c.Feature} is {c.Type}, which can not be converted to it. Derive a feature of a fitting type."),
            .. columns.Where(c => IsCode(c.Output) && (c.Output.Type != ModelType.Float || !CategoryTexts.CanRead(c.Type)))
                .Select(c => $"The model's input {c.Output.Name} ({c.Output.Type}) is to hold category codes of feature {c.Feature} ({c.Type}); expected a Float input and a String, Int64 or Boolean feature."),
            .. columns.Where(c => IsCode(c.Output) && categories![c.Output.Name].Distinct().Count() != categories[c.Output.Name].Count)
                .Select(c => $"The categories of the model's input {c.Output.Name} name one category twice; give each one code."),
            .. columns.GroupBy(c => c.Output.Name).Where(g => g.Count() > 1).Select(g => $"The model's input {g.Key} is given {g.Count()} times; give it once."),
        ];
        return problems.Length > 0 ? throw new DefinitionException(problems) : new(null, [.. columns.Select(Fitted)]);

        FittedEncoding Fitted((string Feature, ColumnType Type, ModelColumn Output) c) => IsCode(c.Output)
            ? new FittedCategory(c.Feature, c.Type, new Vocabulary(categories![c.Output.Name]), c.Output.Name) : new FittedPassThrough(c.Feature, c.Type, c.Output);
    }

    /// <summary>
    /// Encodes a batch for scoring: one array per output (Float, Double, Int64 or String arrays as the output says, no nulls, fresh memory at offset 0). The caller disposes it.
    /// Each value outside what the encoder knows is counted by feature in <paramref name="unknownCategories"/> if given. The batch may be a slice.
    /// </summary>
    /// <exception cref="DataException">A feature is missing or has another type than it was fitted on.</exception>
    public RecordBatch Encode(RecordBatch batch, IDictionary<string, long>? unknownCategories = null)
    {
        var outputs = new List<IArrowArray>(Outputs.Count);
        var names = Positions(batch);
        foreach (var encoding in Encodings)
        {
            var unknown = encoding.Encode(Column(batch, names, encoding.Feature, encoding.Type), outputs);
            if (unknown > 0 && unknownCategories is not null)
                unknownCategories[encoding.Feature] = (unknownCategories.TryGetValue(encoding.Feature, out var before) ? before : 0) + unknown;
        }
        return new RecordBatch(schema, outputs, batch.Length);
    }

    /// <summary>
    /// Encodes the training rows themselves: as <see cref="Encode"/>, with target encodings cross-fitted. Only right for exactly the rows of <see cref="Fit"/>, in order;
    /// batches may be cut otherwise.
    /// </summary>
    /// <exception cref="DataException">As <see cref="Encode"/>; a target encoding meets a category or a null label that it was not fitted on.</exception>
    public IReadOnlyList<RecordBatch> EncodeTrainingRows(IReadOnlyList<RecordBatch> trainingRows)
    {
        if (!Encodings.Any(e => e is FittedTarget)) return [.. trainingRows.Select(batch => Encode(batch))];
        var (labels, weights) = (EncoderFit.Labels(trainingRows, Label!), EncoderFit.Weights(trainingRows, Weight));
        var outputs = trainingRows.Select(_ => new List<IArrowArray>(Outputs.Count)).ToArray();
        foreach (var encoding in Encodings)
        {
            IArrowArray[] columns = [.. trainingRows.Select(batch => Column(batch, Positions(batch), encoding.Feature, encoding.Type))];
            if (encoding is FittedTarget target)
            {
                var arrays = target.CrossFit(columns, labels, weights);
                for (var i = 0; i < outputs.Length; i++) outputs[i].Add(arrays[i]);
            }
            else
            {
                for (var i = 0; i < outputs.Length; i++) encoding.Encode(columns[i], outputs[i]);
            }
        }
        return [.. outputs.Select((arrays, i) => new RecordBatch(schema, arrays, trainingRows[i].Length))];
    }

    /// <summary>As JSON, stable byte for byte.</summary>
    public byte[] ToJson() => EncoderJson.Write(this);

    /// <summary>Reads <see cref="ToJson"/> back.</summary>
    /// <exception cref="DataException">Not such JSON, or of a newer format.</exception>
    public static Encoder FromJson(ReadOnlySpan<byte> json) => EncoderJson.Read(json);

    static Dictionary<string, int> Positions(RecordBatch batch)
    {
        var positions = new Dictionary<string, int>(batch.ColumnCount);
        for (var i = 0; i < batch.ColumnCount; i++) positions.TryAdd(batch.Schema.GetFieldByIndex(i).Name, i);
        return positions;
    }

    static IArrowArray Column(RecordBatch batch, Dictionary<string, int> positions, string feature, ColumnType type)
    {
        if (!positions.TryGetValue(feature, out var position))
            throw new DataException($"Feature {feature} is missing: the encoder was fitted on it, the batch has {string.Join(", ", positions.Keys)}. Score with the feature service that the model was trained on.");
        var column = batch.Column(position);
        if (Columns.TypeOf(column.Data.DataType) != type)
            throw new DataException($"Feature {feature} is {column.Data.DataType.Name}, but the encoder was fitted on {type}. Score with the feature service that the model was trained on.");
        return Columns.Normalize(column);
    }
}
