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
    /// <param name="rowsPerCall">
    /// See <see cref="ModelSignature.RowsPerCall"/>. Null: any number if a row's score does not depend on its neighbours, which is told from the operators (dynamic quantisation) and tried out on made-up rows;
    /// otherwise 1, the only shape whose scores do not depend on partitions and batches. A larger number is faster for such a model, and gives up just that.
    /// </param>
    /// <exception cref="DataException">The file is not a model that rows can be scored with.</exception>
    /// <exception cref="DefinitionException">Its inputs are not those of the import; all differences at once.</exception>
    public static ModelManifest Package(string path, string folder, ModelImport import, OnnxOutput? output = null, int? rowsPerCall = null)
    {
        var model = ModelFile.With(OnnxSession.Read(path), output ?? new());
        ModelSignature signature;
        using (var session = OnnxSession.Open(path, model))
        {
            signature = new ModelSignature(session.Columns(import.Inputs.Count, [.. import.Inputs.Select(i => i.Input)]), [new ModelColumn("score", ModelType.Double)]);
            signature = signature with { RowsPerCall = rowsPerCall ?? (Neighbours.Matter(session, signature) ? 1 : null) };
            session.Verify(signature);
        }
        File.WriteAllBytes(Path.Combine(folder, Weights), model);
        return import.Write(folder, OnnxScorer.Flavor, Weights, signature);
    }
}
