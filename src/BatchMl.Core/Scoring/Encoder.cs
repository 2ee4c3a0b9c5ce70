using Apache.Arrow;
using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>How one feature becomes model inputs. What an <see cref="Encoder"/> is fitted from.</summary>
/// <param name="Feature">The feature's column name.</param>
public abstract record Encoding(string Feature);

/// <summary>A number as it is: null becomes NaN (models that know missing values, such as LightGBM). Booleans are 0 and 1.</summary>
public sealed record NumericEncoding(string Feature, Imputation Imputation = Imputation.None, bool Standardize = false) : Encoding(Feature);

/// <summary>Text as codes 0, 1, … of a vocabulary in descending frequency (ties by UTF-8 order); null and unknown categories become NaN. Models treat it as a category.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="MaxCategories">Rarer ones beyond this many are unknown.</param>
public sealed record CategoryEncoding(string Feature, int MaxCategories = 255) : Encoding(Feature);

/// <summary>One 0/1 column per category, <c>feature=category</c>; null and unknown give zeros.</summary>
public sealed record OneHotEncoding(string Feature, int MaxCategories = 32) : Encoding(Feature);

/// <summary>
/// The label's smoothed mean per category; on training rows cross-fitted (each fold encoded by the others), as scikit-learn's TargetEncoder does.
/// </summary>
/// <param name="Feature">The feature.</param>
/// <param name="Folds">Folds of the cross-fit; a row's fold is its ordinal modulo this.</param>
/// <param name="Smoothing">Weight of the overall mean, in rows.</param>
public sealed record TargetEncoding(string Feature, int Folds = 5, double Smoothing = 20) : Encoding(Feature);

/// <summary>What a missing number becomes.</summary>
public enum Imputation
{
    /// <summary>NaN.</summary>
    None,
    /// <summary>The mean over training rows.</summary>
    Mean,
    /// <summary>The median over training rows.</summary>
    Median,
    /// <summary>Zero.</summary>
    Zero,
}

/// <summary>
/// A fitted encoder: the only way a model sees features. Fitted on training rows only; saved in the model package; immutable and thread-safe.
/// </summary>
public sealed class Encoder
{
    /// <summary>The model inputs it gives, in order.</summary>
    public IReadOnlyList<ModelColumn> Outputs => throw new NotImplementedException();

    /// <summary>The features it reads, in order, with the types it was fitted on.</summary>
    public IReadOnlyList<(string Name, ColumnType Type)> Inputs => throw new NotImplementedException();

    /// <summary>Names of outputs that hold category codes.</summary>
    public IReadOnlyList<string> CategoricalOutputs => throw new NotImplementedException();

    /// <summary>
    /// Fits on training rows. By default (no encoding given for a feature) numbers and booleans are <see cref="NumericEncoding"/>, text is <see cref="CategoryEncoding"/>.
    /// </summary>
    /// <exception cref="DefinitionException">A feature of a type that needs an explicit derivation (Timestamp, Date), an encoding of an unknown feature.</exception>
    public static Encoder Fit(IReadOnlyList<RecordBatch> trainingRows, IReadOnlyList<string> features, string label, IReadOnlyList<Encoding> encodings) =>
        throw new NotImplementedException();

    /// <summary>
    /// Encodes a batch for scoring: one array per output (Float, Double, Int64 or String arrays as the output says, no nulls). Each value outside what the model knows is
    /// counted in <paramref name="unknownCategories"/> if given.
    /// </summary>
    /// <exception cref="DataException">A feature is missing or has another type than it was fitted on.</exception>
    public RecordBatch Encode(RecordBatch batch, IDictionary<string, long>? unknownCategories = null) => throw new NotImplementedException();

    /// <summary>Encodes the training rows themselves: as <see cref="Encode"/>, with target encodings cross-fitted. Only right for exactly the rows of <see cref="Fit"/>, in order.</summary>
    public IReadOnlyList<RecordBatch> EncodeTrainingRows(IReadOnlyList<RecordBatch> trainingRows) => throw new NotImplementedException();

    /// <summary>As JSON, stable byte for byte.</summary>
    public byte[] ToJson() => throw new NotImplementedException();

    /// <summary>Reads <see cref="ToJson"/> back.</summary>
    /// <exception cref="DataException">Not such JSON.</exception>
    public static Encoder FromJson(ReadOnlySpan<byte> json) => throw new NotImplementedException();

    /// <summary>An encoder that passes columns through by type, for models made elsewhere with inputs of these names.</summary>
    public static Encoder PassThrough(IReadOnlyList<(string Feature, ColumnType Type, ModelColumn Output)> columns) => throw new NotImplementedException();
}
