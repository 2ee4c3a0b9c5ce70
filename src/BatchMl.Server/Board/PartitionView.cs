using System.Globalization;
using BatchMl.Runs;

namespace BatchMl.Server.Board;

/// <summary>How a partition stands, as people see it. The worst first.</summary>
public enum PartitionCondition
{
    /// <summary>Its latest attempt failed or was aborted.</summary>
    Failed,
    /// <summary>Its time has come longer ago than its schedule allows, and it is not there.</summary>
    Late,
    /// <summary>Its time has come and it is not there.</summary>
    Missing,
    /// <summary>It is there; its inputs changed since it was made.</summary>
    Changed,
    /// <summary>It is there; some of its rows could not be scored.</summary>
    DeadLetters,
    /// <summary>It is being made.</summary>
    Running,
    /// <summary>It is not there, and its time has not come or an input is not ready.</summary>
    Waiting,
    /// <summary>It is there.</summary>
    Published,
}

/// <summary>A partition, as pages and API show it.</summary>
/// <param name="Dataset">Its dataset.</param>
/// <param name="Column">Its partition column.</param>
/// <param name="Value">Its value.</param>
/// <param name="State">How it stands.</param>
/// <param name="Rows">Rows of the version that counts; 0 without one.</param>
/// <param name="DeadLetters">Rows of it that could not be scored.</param>
/// <param name="CommittedAt">When that version was committed; null: there is none.</param>
/// <param name="RunId">The run of the latest attempt; null: there was none.</param>
/// <param name="Reason">Why it stands so, where that is not plain.</param>
/// <param name="DueAt">When its time comes or came; null: it is not about a time.</param>
public sealed record PartitionView(
    string Dataset, string Column, string Value, PartitionCondition State, long Rows, long DeadLetters, DateTimeOffset? CommittedAt, string? RunId, string? Reason, DateTimeOffset? DueAt)
{
    /// <summary>The day that it is about: its value, or how that begins; null: it is about none.</summary>
    public DateOnly? Day { get; } = DayOf(Value);

    internal static DateOnly? DayOf(string value) => value.Length >= 10 && !value.Contains('_', StringComparison.Ordinal)
        && DateOnly.TryParseExact(value.AsSpan(0, 10), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;
}

/// <summary>A dataset with its partitions.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Job">The job that makes it; null: none of this program's.</param>
/// <param name="Description">The job's.</param>
/// <param name="Sink">Where it lands.</param>
/// <param name="Policy">What happens to published partitions whose inputs changed.</param>
/// <param name="Partitions">In order of value.</param>
/// <param name="PlannedAt">When its job was planned last; null: not yet.</param>
/// <param name="Problem">Why its job can not be planned; null: it can.</param>
/// <param name="Missing">Inputs that are not there yet.</param>
public sealed record DatasetView(
    string Name, string? Job, string Description, string Sink, ChangePolicy? Policy, IReadOnlyList<PartitionView> Partitions, DateTimeOffset? PlannedAt, string? Problem, IReadOnlyList<string> Missing)
{
    /// <summary>How many partitions stand how.</summary>
    public IReadOnlyDictionary<PartitionCondition, int> Counts { get; } = Partitions.GroupBy(p => p.State).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>How many stand so.</summary>
    public int Count(PartitionCondition state) => Counts.GetValueOrDefault(state);

    /// <summary>Whether its partitions are days, or parts of days.</summary>
    public bool IsDaily => Partitions.Count > 0 && Partitions.All(p => p.Day is not null);
}
