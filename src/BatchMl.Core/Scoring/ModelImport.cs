using BatchMl.Data;

namespace BatchMl.Scoring;

/// <summary>A feature that feeds an input of a model made elsewhere.</summary>
/// <param name="Feature">The feature's column name.</param>
/// <param name="Type">Its type.</param>
public sealed record ImportedInput(string Feature, ColumnType Type)
{
    /// <summary>The model's name for it; default: the feature's.</summary>
    public string Input { get; init; } = Feature;

    /// <summary>If the model was trained on codes: the categories, in the order of their codes 0, 1, …; null (default): the value itself.</summary>
    public IReadOnlyList<string>? Categories { get; init; }
}

/// <summary>
/// What a model that was made elsewhere is called here, and which features feed it. Each flavor's import (<c>LightGbmImport</c>, <c>OnnxImport</c>) makes a package from it and a file; the package is then like
/// any other, except that its encoder was not fitted but passes columns through.
/// </summary>
public sealed record ModelImport
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }
    /// <summary>Its version, from 1.</summary>
    public required int Version { get; init; }
    /// <summary>The feature service whose features it takes.</summary>
    public required string FeatureService { get; init; }
    /// <summary>Its version.</summary>
    public required int FeatureServiceVersion { get; init; }
    /// <summary>What feeds the model. Matched with its inputs by name; for a model with one matrix as input, the order of its columns.</summary>
    public required IReadOnlyList<ImportedInput> Inputs { get; init; }

    /// <summary>For flavors' imports: writes manifest and encoder into a folder that holds the weights.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="flavor">Which scorer loads the weights.</param>
    /// <param name="weights">Their file name.</param>
    /// <param name="signature">What the model takes and gives.</param>
    /// <exception cref="DefinitionException">An input that nothing feeds, a feature that feeds nothing, types that can not be converted; all at once.</exception>
    public ModelManifest Write(string folder, string flavor, string weights, ModelSignature signature)
    {
        var byInput = Inputs.GroupBy(i => i.Input).ToDictionary(g => g.Key, g => g.First());
        string[] problems = [
            .. signature.Inputs.Where(i => !byInput.ContainsKey(i.Name)).Select(i => $"Nothing feeds input {i.Name} ({i.Type}) of model {Name}; the import names {string.Join(", ", byInput.Keys)}. Say which feature is it."),
            .. Inputs.Where(i => signature.Inputs.All(s => s.Name != i.Input)).Select(i => $"Model {Name} has no input {i.Input}; it has {string.Join(", ", signature.Inputs.Select(s => s.Name))}. Correct the name, or leave the feature out."),
        ];
        if (problems.Length > 0) throw new DefinitionException(problems);
        var encoder = Encoder.PassThrough(
            [.. signature.Inputs.Select(i => (byInput[i.Name].Feature, byInput[i.Name].Type, i))],
            Inputs.Where(i => i.Categories is not null).ToDictionary(i => i.Input, i => i.Categories!));
        return ModelPackage.Write(folder, new ModelManifest
        {
            FormatVersion = 1,
            Name = Name,
            Version = Version,
            Flavor = flavor,
            Weights = weights,
            FeatureService = FeatureService,
            FeatureServiceVersion = FeatureServiceVersion,
            Signature = signature,
            Digest = "",
        }, encoder);
    }
}
