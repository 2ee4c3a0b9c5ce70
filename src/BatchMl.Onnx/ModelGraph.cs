using System.Text;

namespace BatchMl.Onnx;

/// <summary>
/// What a model's operators say, read off its bytes before the native runtime sees them (onnx.proto3: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto, FunctionProto); subgraphs and
/// functions included.
/// </summary>
sealed class ModelGraph
{
    // What protocol buffers allow by default, so what the runtime would refuse.
    const int DeepestNesting = 100;

    // They take the range of all values in a call, whichever rows these belong to.
    static readonly HashSet<string> mixing = ["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"];
    static readonly HashSet<string> random = ["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

    readonly SortedSet<string> operators = new(StringComparer.Ordinal);

    ModelGraph(ReadOnlySpan<byte> model)
    {
        var hasGraph = false;
        for (var fields = new MessageReader(model); fields.Next();)
        {
            if (fields.Field == 7) AddGraph(fields.Content, 0);
            else if (fields.Field == 25) AddNodes(fields.Content, 7, 0);
            hasGraph |= fields.Field == 7;
        }
        if (!hasGraph) throw new FormatException("it has no graph");
    }

    /// <summary>Its operators that look at all rows of a call, by name: with them a row's score depends on its neighbours.</summary>
    public IReadOnlyList<string> Mixing => [.. operators.Where(mixing.Contains)];

    /// <summary>Reads a model.</summary>
    /// <param name="path">Where it is from, for messages.</param>
    /// <param name="model">Its bytes.</param>
    /// <exception cref="DataException">It has not the structure of a model, has trees that are none, refers to other files, or draws random numbers.</exception>
    public static ModelGraph Read(string path, ReadOnlySpan<byte> model)
    {
        try
        {
            var graph = new ModelGraph(model);
            if (graph.operators.Where(random.Contains).ToArray() is { Length: > 0 } drawn)
                throw new DataException($"{path} draws random numbers ({string.Join(", ", drawn)}): a row would not get the same score twice. Export the model for inference.");
            return graph;
        }
        catch (FormatException e)
        {
            throw new DataException($"{path} is not an ONNX model: {e.Message}. Expected a file as exporters write it, whole; copy or export it again.", e);
        }
    }

    void AddGraph(ReadOnlySpan<byte> graph, int depth)
    {
        AddNodes(graph, 1, depth);
        for (var fields = new MessageReader(graph); fields.Next();)
            if (fields.Field == 5) CheckTensor(fields.Content);
    }

    void AddNodes(ReadOnlySpan<byte> owner, int field, int depth)
    {
        if (depth > DeepestNesting) throw new FormatException($"its graphs are nested more than {DeepestNesting} deep");
        for (var fields = new MessageReader(owner); fields.Next();)
            if (fields.Field == field) AddNode(fields.Content, depth);
    }

    void AddNode(ReadOnlySpan<byte> node, int depth)
    {
        for (var fields = new MessageReader(node); fields.Next();)
        {
            if (fields.Field == 4)
            {
                var type = Encoding.UTF8.GetString(fields.Content);
                operators.Add(type);
                if (TreeNodes.AreIn(type)) TreeNodes.Check(node);
            }
            else if (fields.Field == 5) AddAttribute(fields.Content, depth);
        }
    }

    void AddAttribute(ReadOnlySpan<byte> attribute, int depth)
    {
        for (var fields = new MessageReader(attribute); fields.Next();)
        {
            if (fields.Field is 6 or 11) AddGraph(fields.Content, depth + 1);
            else if (fields.Field is 5 or 10) CheckTensor(fields.Content);
        }
    }

    // Another file's bytes would be beyond the package's digest.
    static void CheckTensor(ReadOnlySpan<byte> tensor)
    {
        for (var fields = new MessageReader(tensor); fields.Next();)
            if (fields.Field == 14 && fields.Number == 1) throw new FormatException("it keeps weights in other files; expected one file with everything in it");
    }
}
