using BatchMl.Scoring;

namespace BatchMl.Onnx;

/// <summary>Packages ONNX models that were made elsewhere, e.g. by skl2onnx or PyTorch.</summary>
public static class OnnxImport
{
    const string Weights = "model.onnx";

    /// <summary>Makes a package of a model in an empty folder.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="folder">Where the package goes; exists and is empty.</param>
    /// <param name="import">Name and inputs.</param>
    /// <param name="output">Which output is the score; kept in the package's copy of the model. Null: the only candidate, the positive class of two.</param>
    /// <exception cref="DataException">The file is not a model that rows can be scored with.</exception>
    /// <exception cref="DefinitionException">Its inputs are not those of the import; all differences at once.</exception>
    public static ModelManifest Package(string path, string folder, ModelImport import, OnnxOutput? output = null)
    {
        OnnxSession.Open(path, output).Dispose();
        var weights = Path.Combine(folder, Weights);
        File.WriteAllBytes(weights, ModelFile.With(File.ReadAllBytes(path), output ?? new()));
        using var session = OnnxSession.Open(weights);
        var signature = new ModelSignature(session.Columns(import.Inputs.Count, [.. import.Inputs.Select(i => i.Input)]), [new ModelColumn("score", ModelType.Double)]);
        session.Verify(signature);
        return import.Write(folder, OnnxScorer.Flavor, Weights, signature);
    }
}
