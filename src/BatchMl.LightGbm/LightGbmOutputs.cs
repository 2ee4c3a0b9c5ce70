using BatchMl.Scoring;

namespace BatchMl.LightGbm;

/// <summary>Columns that a LightGBM model gives beside <c>score</c>.</summary>
[Flags]
public enum LightGbmOutputs
{
    /// <summary>Only <c>score</c>: a probability for a binary model, the value for a regression.</summary>
    None = 0,
    /// <summary><c>raw_score</c>: before the link function; log-odds for a binary model.</summary>
    RawScore = 1,
    /// <summary><c>shap_INPUT</c> for each input and <c>shap_base</c>: SHAP values, which add up to the raw score. About 100 times the work of a score.</summary>
    Contributions = 2,
}

/// <summary>Names of a model's output columns; a scorer computes what its signature names.</summary>
static class OutputColumns
{
    public const string Score = "score";
    public const string RawScore = "raw_score";
    public const string Base = "shap_base";

    public static ModelSignature Signature(IReadOnlyList<ModelColumn> inputs, LightGbmOutputs outputs)
    {
        List<string> names = [Score];
        if (outputs.HasFlag(LightGbmOutputs.RawScore)) names.Add(RawScore);
        if (outputs.HasFlag(LightGbmOutputs.Contributions)) names.AddRange([.. inputs.Select(Contribution), Base]);
        return new ModelSignature(inputs, [.. names.Select(n => new ModelColumn(n, ModelType.Double))]);
    }

    /// <summary>Which kind of prediction gives an output, and where in its row; null: no such output.</summary>
    public static (int PredictType, int Position)? Find(ModelSignature signature, ModelColumn output)
    {
        if (output.Type != ModelType.Double) return null;
        if (output.Name == Score) return (NativeMethods.PredictNormal, 0);
        if (output.Name == RawScore) return (NativeMethods.PredictRaw, 0);
        if (output.Name == Base) return (NativeMethods.PredictContributions, signature.Inputs.Count);
        for (var i = 0; i < signature.Inputs.Count; i++)
            if (Contribution(signature.Inputs[i]) == output.Name) return (NativeMethods.PredictContributions, i);
        return null;
    }

    static string Contribution(ModelColumn input) => "shap_" + input.Name;
}
