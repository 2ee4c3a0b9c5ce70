using System.Text;

namespace BatchMl.Onnx;

/// <summary>
/// Holds the trees of a model (operators TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble of ai.onnx.ml) to lead from their roots to leaves: the runtime goes from node to child without counting, so that one
/// wrong number of a child would keep it going round for ever.
/// </summary>
static class TreeNodes
{
    public static bool AreIn(string type) => type is "TreeEnsembleClassifier" or "TreeEnsembleRegressor" or "TreeEnsemble";

    /// <summary>Checks the trees of one NodeProto.</summary>
    /// <exception cref="FormatException">A child that is not there, a cycle, or lists of different lengths.</exception>
    public static void Check(ReadOnlySpan<byte> node)
    {
        var lists = new Dictionary<string, List<long>>(StringComparer.Ordinal);
        List<bool>? leaves = null;
        for (var fields = new MessageReader(node); fields.Next();)
        {
            if (fields.Field != 5) continue;
            var (name, integers, areLeaves) = Read(fields.Content);
            lists[name] = integers;
            if (name == "nodes_modes" && areLeaves.Count > 0) leaves = areLeaves;
        }
        List<long> List(string name) => lists.GetValueOrDefault(name) ?? [];
        var (onTrue, onFalse) = (List("nodes_truenodeids"), List("nodes_falsenodeids"));
        Func<int, long, bool, int?> child;
        if (leaves is null)
        {
            // TreeEnsemble: a child is a node or a leaf by its place.
            var (trueLeaves, falseLeaves) = (List("nodes_trueleafs"), List("nodes_falseleafs"));
            Expect(onTrue.Count, onFalse.Count, trueLeaves.Count, falseLeaves.Count);
            child = (at, number, isTrue) => (isTrue ? trueLeaves : falseLeaves)[at] != 0 ? null : number >= 0 && number < onTrue.Count ? (int)number : -1;
        }
        else
        {
            // Before: nodes have numbers within their trees, and leaves are nodes too.
            var (trees, numbers) = (List("nodes_treeids"), List("nodes_nodeids"));
            Expect(onTrue.Count, onFalse.Count, trees.Count, numbers.Count, leaves.Count);
            var places = new Dictionary<(long, long), int>();
            for (var i = 0; i < numbers.Count; i++)
                if (!places.TryAdd((trees[i], numbers[i]), i)) throw new FormatException($"tree {trees[i]} has two nodes {numbers[i]}");
            child = (at, number, _) => leaves[at] ? null : places.GetValueOrDefault((trees[at], number), -1);
        }
        CheckAcyclic([.. onTrue.Select((number, i) => (child(i, number, true), child(i, onFalse[i], false)))]);
    }

    // Nodes without parents are taken away again and again; what is left goes round.
    static void CheckAcyclic((int? OnTrue, int? OnFalse)[] nodes)
    {
        var parents = new int[nodes.Length];
        foreach (var at in nodes.SelectMany(n => Children(n)))
            if (at < 0) throw new FormatException("a node of a tree has a child that is not there");
            else parents[at]++;
        var free = new Stack<int>(Enumerable.Range(0, nodes.Length).Where(i => parents[i] == 0));
        var taken = 0;
        for (; free.TryPop(out var node); taken++)
            foreach (var at in Children(nodes[node]))
                if (--parents[at] == 0) free.Push(at);
        if (taken < nodes.Length) throw new FormatException("nodes of a tree lead back to themselves");
    }

    static IEnumerable<int> Children((int? OnTrue, int? OnFalse) node)
    {
        if (node.OnTrue is { } first) yield return first;
        if (node.OnFalse is { } second) yield return second;
    }

    static void Expect(params ReadOnlySpan<int> lengths)
    {
        foreach (var length in lengths)
            if (length != lengths[0]) throw new FormatException($"the lists of a tree's nodes have {lengths[0]} and {length} entries");
    }

    // AttributeProto: name 1, ints 8 (one by one, or packed), strings 9.
    static (string Name, List<long> Integers, List<bool> AreLeaves) Read(ReadOnlySpan<byte> attribute)
    {
        var (name, integers, areLeaves) = ("", new List<long>(), new List<bool>());
        for (var fields = new MessageReader(attribute); fields.Next();)
        {
            switch (fields.Field)
            {
                case 1: name = Encoding.UTF8.GetString(fields.Content); break;
                case 8 when fields.Content.IsEmpty: integers.Add((long)fields.Number); break;
                case 8: MessageReader.Integers(fields.Content, integers); break;
                case 9: areLeaves.Add(fields.Content.SequenceEqual("LEAF"u8)); break;
            }
        }
        return (name, integers, areLeaves);
    }
}
