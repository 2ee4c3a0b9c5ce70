namespace Churn.Tests;

/// <summary>Data that contradicts itself is an error that says what it is about.</summary>
public sealed class WrongDataTests : IDisposable
{
    readonly Shop shop = new();

    async Task<string> RefusedAsync(string source, string rows)
    {
        var path = shop.At($"{source}-wrong.parquet");
        Duck.Execute($"COPY ({rows}) TO '{path}' (FORMAT parquet)");
        var spine = shop.At("spine.parquet");
        Duck.Execute($"COPY (SELECT customer_id, first_order_at, TIMESTAMPTZ '1998-06-29 02:00' AS as_of FROM '{Shop.Table("customers")}') TO '{spine}' (FORMAT parquet)");
        var (code, said) = await shop.RunAsync("features", "churn/score", "--spine", spine, "--out", shop.At("features.parquet"), "--set", $"Sources:{source}:Path={path}");
        Assert.True(code != 0, said);
        Assert.False(File.Exists(shop.At("features.parquet")));
        return said;
    }

    [Fact]
    public async Task Two_versions_of_an_order_loaded_at_one_instant()
    {
        var said = await RefusedAsync("orders", $"FROM '{Shop.Table("orders")}' UNION ALL SELECT * REPLACE (amount + 1 AS amount) FROM '{Shop.Table("orders")}' WHERE order_id = 4711");
        Assert.Contains("orders-wrong.parquet", said, StringComparison.Ordinal);
        Assert.Contains("version", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plans_that_overlap()
    {
        var said = await RefusedAsync("plans", $"FROM '{Shop.Table("plans")}' UNION ALL SELECT * REPLACE ('club' AS plan, since + INTERVAL 1 DAY AS since) FROM '{Shop.Table("plans")}' WHERE customer_id = 42 AND plan = 'basic'");
        Assert.Contains("plans-wrong.parquet", said, StringComparison.Ordinal);
        Assert.Contains("overlap", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deletion_of_an_order_that_nobody_knows()
    {
        var orders = Shop.Table("orders");
        var said = await RefusedAsync("orders", $"FROM '{orders}' UNION ALL SELECT * REPLACE (999999 AS order_id, true AS is_deleted) FROM '{orders}' WHERE order_id = 4711");
        Assert.Contains($"orders-wrong.parquet row {Duck.Number($"SELECT count(*) FROM '{orders}'")} deletes a fact that nobody knows: of (999999)", said, StringComparison.Ordinal);
        Assert.Contains(".AllowUnknownDeletes()", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_order_that_was_not_loaded_but_deleted()
    {
        // As if the file with its first version had been forgotten.
        var orders = Shop.Table("orders");
        var deleted = Duck.Number($"SELECT min(order_id) FROM '{orders}' WHERE is_deleted");
        var said = await RefusedAsync("orders", $"FROM '{orders}' WHERE order_id <> {deleted} OR is_deleted");
        Assert.Contains($"of ({deleted})", said, StringComparison.Ordinal);
    }

    public void Dispose() => shop.Dispose();
}
