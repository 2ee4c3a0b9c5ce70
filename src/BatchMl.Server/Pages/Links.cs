using BatchMl.Server.Board;

namespace BatchMl.Server.Pages;

/// <summary>Where pages are. Names of datasets hold slashes; they stay as they are in paths.</summary>
static class Links
{
    public static string Dataset(string name, PartitionCondition? state = null) => $"/datasets/{Path(name)}{(state is { } s ? $"?state={Words.Class(s)}" : "")}";

    public static string Partition(PartitionView partition) => Partition(partition.Dataset, partition.Value);

    public static string Partition(string dataset, string value) => $"/partitions/{Path(dataset)}?value={Uri.EscapeDataString(value)}";

    public static string Run(string id) => $"/runs/{Uri.EscapeDataString(id)}";

    public static string Schedule(string name) => $"/schedules/{Uri.EscapeDataString(name)}";

    static string Path(string name) => string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
}
