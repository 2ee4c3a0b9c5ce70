namespace BatchMl.Spark.Connect;

/// <summary>What Spark measured of an execution.</summary>
/// <param name="Nodes">The nodes of the physical plan.</param>
public sealed record SparkMetrics(IReadOnlyList<SparkNodeMetrics> Nodes)
{
    internal static SparkMetrics Of(Proto.ExecutePlanResponse.Types.Metrics metrics) =>
        new([.. metrics.Metrics_.Select(n => new SparkNodeMetrics(n.Name, n.PlanId, n.Parent, n.ExecutionMetrics.ToDictionary(m => m.Key, m => new SparkMetric(m.Value.Name, m.Value.Value, m.Value.MetricType))))]);
}

/// <summary>What Spark measured of a node of the physical plan.</summary>
/// <param name="Name">For example <c>MapInArrow</c>.</param>
/// <param name="Id">Number of the node.</param>
/// <param name="Parent">Number of the node that it feeds.</param>
/// <param name="Values">By Spark's key, for example <c>numOutputRows</c>.</param>
public sealed record SparkNodeMetrics(string Name, long Id, long Parent, IReadOnlyDictionary<string, SparkMetric> Values);

/// <summary>A measured number.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Value">The number; sizes in bytes.</param>
/// <param name="Type">Spark's: <c>sum</c>, <c>size</c>, <c>timing</c> (ms), <c>nsTiming</c> (ns), <c>average</c> (tenths).</param>
public sealed record SparkMetric(string Name, long Value, string Type);
