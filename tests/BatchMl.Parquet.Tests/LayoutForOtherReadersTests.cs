using Apache.Arrow;
using Apache.Arrow.Types;
using BatchMl.Data;
using BatchMl.TestSupport;
using Parquet;
using FieldRepetitionType = Parquet.Meta.FieldRepetitionType;

namespace BatchMl.Parquet.Tests;

/// <summary>The contract holds for files that a warehouse loads, too.</summary>
public sealed class LayoutForOtherReadersContract : SinkContract
{
    static readonly ParquetLayout layout = new() { Name = "warehouse", ForOtherReaders = true };

    protected override IBatchSink Sink => new ParquetSink(Folder.Path, layout);

    protected override IBatchSink At(string root) => new ParquetSink(root, layout);
}

public sealed class LayoutForOtherReadersTests : IDisposable
{
    readonly TestFolder folder = new();

    static RecordBatch Rows()
    {
        var nanoseconds = new TimestampArray(new Apache.Arrow.Types.TimestampType(Apache.Arrow.Types.TimeUnit.Nanosecond, "UTC"), new ArrowBuffer(System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>([1_380_585_600_000_001_999, 5]).ToArray()), ArrowBuffer.Empty, 2, 0, 0);
        var day = new Date32Array.Builder().Append(new DateOnly(2013, 10, 1)).Append(new DateOnly(2013, 10, 1)).Build();
        return new RecordBatch(
            new Schema([new Field("id", Int64Type.Default, false), new Field("at", nanoseconds.Data.DataType, false), new Field("flight_date", Date32Type.Default, false)], null),
            [new Int64Array.Builder().Append(1).Append(2).Build(), nanoseconds, day], 2);
    }

    async Task<(ParquetSink Sink, PartitionManifest Manifest)> PublishAsync()
    {
        var sink = new ParquetSink(folder.Path, new ParquetLayout { Name = "warehouse", ForOtherReaders = true });
        var rows = Rows();
        await using var stage = await sink.StageAsync(new PartitionKey("warehouse", "flight-delays/score", "flight_date", "2013-10-01"), 1, rows.Schema, default);
        await stage.WriteAsync(rows, default);
        var manifest = new PartitionManifest(1, await stage.CompleteAsync(default), "r1", "f1", DateTimeOffset.UnixEpoch);
        await sink.PublishAsync(manifest, default);
        return (sink, manifest);
    }

    [Fact]
    public async Task Every_column_is_there_and_optional_and_timestamps_are_microseconds()
    {
        var (sink, manifest) = await PublishAsync();
        await using var reader = await ParquetReader.CreateAsync(sink.PathOf(manifest, manifest.Partition.Files[0]), cancellationToken: TestContext.Current.CancellationToken);
        var columns = reader.Metadata!.Schema.Skip(1).ToArray();
        Assert.Equal(["id", "at", "flight_date"], columns.Select(c => c.Name));
        Assert.All(columns, c => Assert.Equal(FieldRepetitionType.OPTIONAL, c.RepetitionType));
        Assert.NotNull(columns[1].LogicalType!.TIMESTAMP!.Unit.MICROS);
        Assert.NotNull(columns[2].LogicalType!.DATE);
    }

    [Fact]
    public async Task Rows_come_back_with_the_partition_column_once()
    {
        var (sink, manifest) = await PublishAsync();
        var found = new List<string>();
        await foreach (var batch in sink.ReadAsync(manifest, null, TestContext.Current.CancellationToken)) found.AddRange(TestTable.Rows(batch));
        // 15979 days since 1970 is 2013-10-01; nanoseconds are cut off.
        Assert.Equal(["1 | 1380585600000001 | 15979", "2 | 0 | 15979"], found);
    }

    [Fact]
    public async Task The_ledger_knows_it_by_its_name()
    {
        var (sink, manifest) = await PublishAsync();
        Assert.Equal(("warehouse", folder.Path), (sink.Name, sink.Root));
        var asked = new List<PartitionKey>();
        await using (var stage = await sink.StageAsync(manifest.Partition.Key, 2, Rows().Schema, default)) await stage.CompleteAsync(default);
        await sink.CleanAsync("flight-delays/score", (key, _) =>
        {
            asked.Add(key);
            return Task.FromResult(false);
        }, default);
        Assert.Equal([manifest.Partition.Key], asked);
    }

    public void Dispose() => folder.Dispose();
}
