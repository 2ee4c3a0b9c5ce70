using BatchMl.Scoring;

namespace BatchMl.LightGbm;

/// <summary>Packages LightGBM text models that were trained elsewhere, e.g. by the Python package's <c>save_model</c>.</summary>
public static class LightGbmImport
{
    const string Weights = "model.txt";

    /// <summary>Makes a package of a model in an empty folder.</summary>
    /// <param name="path">The text model, format v3 or v4, one output per row.</param>
    /// <param name="folder">Where the package goes; exists and is empty.</param>
    /// <param name="import">Name and inputs. Numbers are given to the model as Double, category codes as Float.</param>
    /// <param name="outputs">What the package gives beside <c>score</c>.</param>
    /// <exception cref="DataException">The file is not such a model.</exception>
    /// <exception cref="DefinitionException">Its inputs are not those of the import; all differences at once.</exception>
    public static ModelManifest Package(string path, string folder, ModelImport import, LightGbmOutputs outputs = LightGbmOutputs.None)
    {
        var text = ModelText.Read(path);
        var coded = import.Inputs.Where(i => i.Categories is not null).Select(i => i.Input).ToHashSet();
        ModelColumn[] inputs = [.. text.FeatureNames.Select(n => new ModelColumn(n, coded.Contains(n) ? ModelType.Float : ModelType.Double))];
        var weights = Path.Combine(folder, Weights);
        File.WriteAllBytes(weights, text.Bytes);
        var signature = OutputColumns.Signature(inputs, outputs);
        LightGbmScorer.Load(weights, signature).Dispose();
        return import.Write(folder, LightGbmScorer.Flavor, Weights, signature);
    }
}
