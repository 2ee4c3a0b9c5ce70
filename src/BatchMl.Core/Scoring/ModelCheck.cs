using BatchMl.Engine;

namespace BatchMl.Scoring;

/// <summary>Holds a model against the features it is to score, before any row moves.</summary>
public static class ModelCheck
{
    /// <summary>Checks feature service, its version, the encoder's inputs with their types, and the signature against the encoder; all differences at once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="encoder">Its encoder.</param>
    /// <param name="featureService">The name of the feature service that will compute the rows.</param>
    /// <param name="featureServiceVersion">Its version.</param>
    /// <param name="columns">The columns that will be there.</param>
    /// <exception cref="DefinitionException">What was got, what the model expects, and what to do.</exception>
    public static void Verify(ModelManifest model, Encoder encoder, string featureService, int featureServiceVersion, IReadOnlyList<QueryColumn> columns)
    {
        var name = $"Model {model.Name}@{model.Version}";
        var problems = new List<string>();
        if (model.FeatureService != featureService)
            problems.Add($"{name} was trained on feature service {model.FeatureService}, but the job computes {featureService}. Choose a model of this service, or score with {model.FeatureService}.");
        else if (model.FeatureServiceVersion != featureServiceVersion)
            problems.Add($"{name} was trained on version {model.FeatureServiceVersion} of feature service {featureService}, but the job computes version {featureServiceVersion}. Train the model again, or score with the version it knows.");
        if (ModelPackage.SignatureProblem(model.Signature, encoder) is { } problem) problems.Add($"{name} does not fit its encoder: {problem}");

        var byName = columns.GroupBy(c => c.Name).ToDictionary(g => g.Key, g => g.First());
        foreach (var (feature, type) in encoder.Inputs.Distinct())
        {
            if (!byName.TryGetValue(feature, out var column))
                problems.Add($"{name} needs feature {feature} ({type}), which the job does not compute. Add it to feature service {featureService}, or train the model again.");
            else if (column.Type != type)
                problems.Add($"{name} needs feature {feature} as {type}, but the job computes it as {column.Type}. Mend the feature, or train the model again.");
            else if (column.Role is ColumnRole.Label or ColumnRole.LabelKnownAt)
                problems.Add($"{name} needs feature {feature}, which is the job's label. A label can not be a feature: rename one.");
        }
        if (problems.Count > 0) throw new DefinitionException(problems);
    }
}
