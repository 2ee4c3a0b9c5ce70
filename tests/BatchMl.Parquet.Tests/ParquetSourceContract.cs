using Apache.Arrow;
using BatchMl.Data;
using BatchMl.TestSupport;

namespace BatchMl.Parquet.Tests;

public sealed class ParquetSourceContract : SourceContract
{
    protected override Task<string> WriteAsync(string name, RecordBatch rows) =>
        Task.FromResult(ParquetFixture.Write(Folder.At($"{name}.parquet"), rows, rowGroupRows: 150));

    protected override IBatchSource Open(params string[] files) => new ParquetSource(files.Length == 1 ? files[0] : Folder.Path);
}
