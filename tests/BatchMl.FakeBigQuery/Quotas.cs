namespace BatchMl.Fakes;

/// <summary>Limits that can be set, and what was counted. cloud.google.com/bigquery/quotas. Assumption: a day is a day of UTC here (Google's is a sliding one, or of the Pacific coast).</summary>
public sealed class Quotas
{
    readonly TimeProvider time;
    readonly Dictionary<(string Table, DateTime Day), int> modifications = [];
    readonly Dictionary<string, Queue<DateTimeOffset>> updates = [];

    internal Quotas(TimeProvider time) => this.time = time;

    /// <summary>Loads, copies and queries into one table a day; failed ones count.</summary>
    public int ModificationsPerTable { get; set; } = 1500;

    /// <summary>The same into a table that is partitioned by a column.</summary>
    public int PartitionModificationsPerTable { get; set; } = 30_000;

    /// <summary>The same into a table that is partitioned by the time of loading.</summary>
    public int LoadTimePartitionModificationsPerTable { get; set; } = 11_000;

    /// <summary>Partitions that one job may change.</summary>
    public int PartitionsPerJob { get; set; } = 4000;

    /// <summary>Whether updates of a table's metadata are limited to 5 (partitioned: 50) in 10 seconds; off unless a test is about it.</summary>
    public bool LimitMetadataUpdates { get; set; }

    /// <summary>How often a table was modified today. By its name: a table that is removed and made again keeps its count.</summary>
    public int Modifications(string dataset, string table) => modifications.Where(m => m.Key.Table.EndsWith($":{dataset}.{table}", StringComparison.Ordinal) && m.Key.Day == time.GetUtcNow().UtcDateTime.Date).Sum(m => m.Value);

    internal void Modify(TableName table, Partitioning? cut)
    {
        var key = (table.ToString(), time.GetUtcNow().UtcDateTime.Date);
        var limit = cut is null ? ModificationsPerTable : cut.IsByLoadTime ? LoadTimePartitionModificationsPerTable : PartitionModificationsPerTable;
        modifications[key] = modifications.GetValueOrDefault(key) + 1;
        if (modifications[key] > limit)
            throw new FakeError(403, "quotaExceeded", cut is null
                ? $"Quota exceeded: Your table exceeded quota for imports or query appends per table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas"
                : $"Quota exceeded: Your table exceeded quota for Number of partition modifications to a column partitioned table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas");
    }

    internal void Metadata(TableName table, bool partitioned)
    {
        var recent = updates.TryGetValue(table.ToString(), out var known) ? known : updates[table.ToString()] = new();
        var now = time.GetUtcNow();
        while (recent.Count > 0 && now - recent.Peek() >= TimeSpan.FromSeconds(10)) recent.Dequeue();
        if (LimitMetadataUpdates && recent.Count >= (partitioned ? 50 : 5)) throw new FakeError(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table. For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas");
        recent.Enqueue(now);
    }
}
