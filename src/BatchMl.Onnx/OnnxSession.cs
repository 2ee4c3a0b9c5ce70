using System.Globalization;
using BatchMl.Scoring;
using Microsoft.ML.OnnxRuntime;

namespace BatchMl.Onnx;

/// <summary>A loaded ONNX model with what we know about its border.</summary>
sealed class OnnxSession : IDisposable
{
    readonly InferenceSession session;
    readonly RunOptions run = new();

    OnnxSession(string path, InferenceSession session, ModelGraph graph, OnnxOutput? output)
    {
        (Path, this.session, Graph) = (path, session, graph);
        Inputs = [.. session.InputNames.Select(name => new TensorInput(path, name, session.InputMetadata[name]))];
        Output = ScoreOutput.Choose(path, session.OutputNames, session.OutputMetadata, output ?? ModelFile.OutputOf(session.ModelMetadata.CustomMetadataMap));
        int[] fixedRows = [.. Inputs.Select(i => i.FixedRows).Where(r => r > 0).Distinct()];
        if (fixedRows.Length > 1) throw new DataException($"{path} has inputs for {string.Join(" and ", fixedRows)} rows at once; expected one number of rows for all. Export the model with a dynamic batch.");
        FixedRows = fixedRows.FirstOrDefault();
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>In the model's order.</summary>
    public IReadOnlyList<TensorInput> Inputs { get; }

    /// <summary>Where the score is.</summary>
    public ScoreOutput Output { get; }

    /// <summary>How many rows each call must have; 0: any number.</summary>
    public int FixedRows { get; }

    /// <summary>What its operators say.</summary>
    public ModelGraph Graph { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It can not be read.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} can not be read as an ONNX model: {e.Message}", e);
        }
    }

    /// <summary>Loads a model for the CPU.</summary>
    /// <param name="path">Where it is from, for messages.</param>
    /// <param name="model">Its bytes; the native runtime sees them only if they have the structure of a model.</param>
    /// <param name="output">Which output is the score; null: as the model's metadata say.</param>
    /// <exception cref="DataException">It is none, or its inputs or outputs are none that rows can be scored with.</exception>
    public static OnnxSession Open(string path, byte[] model, OnnxOutput? output = null)
    {
        var graph = ModelGraph.Read(path, model);
        InferenceSession? session = null;
        try
        {
            // The pipeline runs one call per core.
            using var options = new SessionOptions
            {
                IntraOpNumThreads = 1,
                InterOpNumThreads = 1,
                ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            };
            session = new InferenceSession(model, options);
            return new OnnxSession(path, session, graph, output);
        }
        catch (DataException)
        {
            session?.Dispose();
            throw;
        }
        catch (Exception e) when (e is OnnxRuntimeException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            session?.Dispose();
            throw new DataException($"{path} is not an ONNX model that ONNX Runtime can load: {e.Message} Export it again, with an opset and operators that this version knows.", e);
        }
    }

    /// <summary>Runs the model; one value per input.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyList<OrtValue> values)
    {
        try
        {
            return session.Run(run, session.InputNames, values, [Output.Name]);
        }
        catch (OnnxRuntimeException e) when (e.Message.Contains("Failed to allocate memory", StringComparison.Ordinal) || e.Message.Contains("bad_alloc", StringComparison.Ordinal))
        {
            throw new InsufficientMemoryException($"{Path} needs more memory for these rows: {e.Message}", e);
        }
        catch (OnnxRuntimeException e)
        {
            throw new DataException($"{Path} can not score these rows: {e.Message}", e);
        }
    }

    /// <summary>Checks that a signature describes this model.</summary>
    /// <exception cref="DataException">What differs.</exception>
    public void Verify(ModelSignature signature)
    {
        if (signature.Outputs is not [{ Name: "score", Type: ModelType.Double }])
            throw new DataException($"An ONNX model gives score (Double); the signature for {Path} says {string.Join(", ", signature.Outputs.Select(o => $"{o.Name} ({o.Type})"))}. Correct the signature.");
        if (signature.RowsPerCall is { } rows ? rows < 1 || FixedRows > 0 && rows > FixedRows : Graph.Mixing.Count > 0)
        {
            throw new DataException($"{Path} {(Graph.Mixing.Count > 0 ? $"looks at all rows of a call ({string.Join(", ", Graph.Mixing)})" : "looks at each row alone")}{(FixedRows > 0 ? $" and takes {FixedRows} rows at once" : "")}; "
                + $"the signature says {signature.RowsPerCall?.ToString(CultureInfo.InvariantCulture) ?? "any number of"} rows per call. Expected 1, or another number{(FixedRows > 0 ? $" up to {FixedRows}" : "")} if scores may depend on neighbours. Import the model again.");
        }
        var expected = Columns(signature.Inputs.Count, [.. signature.Inputs.Select(i => i.Name)]);
        if (!expected.SequenceEqual(signature.Inputs))
            throw new DataException($"{Path} takes {Text(expected)}; the signature says {Text(signature.Inputs)}. Package the model that belongs to this signature.");
    }

    /// <summary>The columns that the model takes: its inputs, where they are columns; a matrix has the names given.</summary>
    /// <exception cref="DataException">The number of columns does not fit.</exception>
    public ModelColumn[] Columns(int count, IReadOnlyList<string> matrixNames)
    {
        var columns = new List<ModelColumn>();
        foreach (var input in Inputs)
        {
            var width = input.Width > 0 ? input.Width : count - Inputs.Where(i => i.Width > 0).Sum(i => i.Width);
            if (width < 1 || Inputs.Count(i => i.Width == 0) > 1 || (input.IsMatrix && columns.Count + width > matrixNames.Count))
                throw new DataException($"{Path} takes {string.Join(", ", Inputs.Select(i => i.ToString()))}; {count} columns were given. Give as many columns as the model takes.");
            for (var i = 0; i < width; i++) columns.Add(new(input.IsMatrix ? matrixNames[columns.Count] : input.Name, input.Type));
        }
        return [.. columns];
    }

    static string Text(IReadOnlyList<ModelColumn> columns) => string.Join(", ", columns.Select(c => $"{c.Name} ({c.Type})"));

    public void Dispose()
    {
        run.Dispose();
        session.Dispose();
    }
}
