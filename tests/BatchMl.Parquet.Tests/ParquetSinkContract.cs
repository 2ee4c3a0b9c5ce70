using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Parquet.Tests;

public sealed class ParquetSinkContract : SinkContract
{
    protected override IBatchSink Sink => new ParquetSink(Folder.Path);

    protected override IBatchSink At(string root) => new ParquetSink(root);
}
