using System.Globalization;
using BatchMl.Runs;

namespace BatchMl.Hosting.Output;

/// <summary>A plan as text.</summary>
static class PlanPrinter
{
    const int Shown = 5;

    public static void Print(TextWriter output, JobPlan plan, IReadOnlyList<PlanSection> sections, IReadOnlyList<PartitionDecision> decisions)
    {
        output.WriteLine(plan.Job.Name);
        foreach (var section in sections)
        {
            output.WriteLine($"  {section.Title}");
            foreach (var line in section.Lines) output.WriteLine($"    {line}");
        }
        output.WriteLine($"  policy for published partitions whose inputs changed: {plan.Job.Policy.ToString().ToLowerInvariant()}; dead letters allowed: {plan.Job.DeadLetterLimit.ToString("N0", CultureInfo.InvariantCulture)}");
        foreach (var missing in plan.Missing) output.WriteLine($"  waits for {missing}");
        output.WriteLine("  partitions");
        foreach (var group in decisions.GroupBy(d => (d.Kind, d.Reason)))
        {
            var partitions = group.ToArray();
            var rows = partitions.All(p => p.Partition.Rows >= 0) ? $", {partitions.Sum(p => p.Partition.Rows).ToString("N0", CultureInfo.InvariantCulture)} rows" : "";
            var bytes = partitions.All(p => p.Partition.Bytes >= 0) ? string.Create(CultureInfo.InvariantCulture, $", about {partitions.Sum(p => p.Partition.Bytes) / 1e6:N1} MB to read") : "";
            output.WriteLine($"    {Verb(group.Key.Kind)} {partitions.Length}{rows}{(group.Key.Kind is DecisionKind.New or DecisionKind.Redo ? bytes : "")}: {group.Key.Reason}");
            output.WriteLine($"      {string.Join(", ", partitions.Take(Shown).Select(p => $"{p.Partition.Key.Column}={p.Partition.Key.Value}"))}{(partitions.Length > Shown ? $", … {partitions[^1].Partition.Key.Value}" : "")}");
        }
        output.WriteLine();
    }

    static string Verb(DecisionKind kind) => kind switch
    {
        DecisionKind.New => "make",
        DecisionKind.Redo => "make again",
        DecisionKind.UpToDate => "skip",
        DecisionKind.Reported => "report only",
        DecisionKind.Frozen => "leave frozen",
        DecisionKind.Waiting => "wait with",
        DecisionKind.NotDue => "leave until due",
        _ => "decide later",
    };
}

/// <summary>A plan as JSON.</summary>
sealed record PlanDocument(
    string Job, ChangePolicy Policy, IReadOnlyList<PlanSection> Sections, IReadOnlyList<string> WaitsFor, IReadOnlyList<PlanDocument.PartitionPlan> Partitions)
{
    public sealed record PartitionPlan(string Column, string Value, DecisionKind Decision, string Reason, long Rows, long Bytes, string? Fingerprint, IReadOnlyList<AwaitedInput> Awaits);

    public static PlanDocument Of(JobPlan plan, IReadOnlyList<PlanSection> sections, IReadOnlyList<PartitionDecision> decisions) => new(
        plan.Job.Name, plan.Job.Policy, sections, plan.Missing,
        [.. decisions.Select(d => new PartitionPlan(
            d.Partition.Key.Column, d.Partition.Key.Value, d.Kind, d.Reason, d.Partition.Rows, d.Partition.Bytes, d.Partition.Fingerprint?.Value, d.Partition.Awaits))]);
}
