namespace BatchMl.Scoring;

/// <summary>How one feature becomes model inputs. What an <see cref="Encoder"/> is fitted from; one per feature.</summary>
/// <param name="Feature">The feature's column name.</param>
public abstract record Encoding(string Feature);

/// <summary>
/// A number as one Float input: null becomes NaN (models that know missing values, such as LightGBM) or what <paramref name="Imputation"/> says. Booleans are 0 and 1.
/// </summary>
/// <param name="Feature">A Boolean, Int64 or Double feature.</param>
/// <param name="Imputation">What a missing number (null or NaN) becomes.</param>
/// <param name="Standardize">Subtract the mean and divide by the population standard deviation (a constant: by 1), both over the training rows after imputation.</param>
public sealed record NumericEncoding(string Feature, Imputation Imputation = Imputation.None, bool Standardize = false) : Encoding(Feature);

/// <summary>
/// Categories as codes 0, 1, … of a vocabulary in descending frequency (ties by UTF-8 order), one Float input; null and unknown categories become NaN. Models treat it as
/// a category.
/// </summary>
/// <param name="Feature">A String, Int64 or Boolean feature; integers are categories by their decimal text.</param>
/// <param name="MaxCategories">Rarer ones beyond this many are unknown; at least 1.</param>
public sealed record CategoryEncoding(string Feature, int MaxCategories = 255) : Encoding(Feature);

/// <summary>One 0/1 Float input per category, <c>feature=category</c>; null and unknown give zeros.</summary>
/// <param name="Feature">A String, Int64 or Boolean feature.</param>
/// <param name="MaxCategories">Rarer ones beyond this many are unknown; at least 1.</param>
public sealed record OneHotEncoding(string Feature, int MaxCategories = 32) : Encoding(Feature);

/// <summary>
/// The label's smoothed mean per category, <c>(sum + smoothing * overall mean) / (count + smoothing)</c>, one Float input; on training rows cross-fitted (each fold encoded by
/// the others), as scikit-learn's TargetEncoder with a fixed <c>smooth</c> does. Null is a category of its own; an unknown category gets the overall mean.
/// </summary>
/// <param name="Feature">A String, Int64 or Boolean feature.</param>
/// <param name="Folds">Folds of the cross-fit, at least 2; a row's fold is its ordinal modulo this.</param>
/// <param name="Smoothing">Weight of the overall mean, in rows; at least 0.</param>
public sealed record TargetEncoding(string Feature, int Folds = 5, double Smoothing = 20) : Encoding(Feature);
