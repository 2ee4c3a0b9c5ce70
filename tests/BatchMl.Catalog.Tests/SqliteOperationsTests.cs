using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.Data.Sqlite;

namespace BatchMl.Catalog.Tests;

public sealed class SqliteOperationsTests : OperationsContract
{
    readonly TestFolder folder = new();

    protected override IOperations Connect() => new SqliteOperations(folder.At("catalog.db"));

    protected override ICatalog ConnectCatalog() => new SqliteCatalog(folder.At("catalog.db"));

    protected override async Task ExecuteAsync(string sql)
    {
        await using var raw = new SqliteConnection($"Data Source={folder.At("catalog.db")};Pooling=False");
        raw.Open();
        await using var command = raw.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
    }
}
