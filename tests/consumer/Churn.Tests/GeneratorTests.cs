using Churn.Generator;

namespace Churn.Tests;

/// <summary>The committed tables are what the generator makes of the real orders.</summary>
public sealed class GeneratorTests : IDisposable
{
    readonly Shop shop = new();

    static string Real => Path.Combine(AppContext.BaseDirectory, "cdnow", "orders.parquet");

    [Fact]
    public void It_makes_the_committed_tables_again()
    {
        Directory.CreateDirectory(shop.At("made"));
        MadeTables.Write(Real, shop.At("made"));
        foreach (var table in new[] { "customers", "orders", "plans" })
        {
            var (made, committed) = (Path.Combine(shop.At("made"), $"{table}.parquet"), Shop.Table(table));
            Assert.Equal(0, Duck.Number($"SELECT count(*) FROM ((FROM '{made}' EXCEPT ALL FROM '{committed}') UNION ALL (FROM '{committed}' EXCEPT ALL FROM '{made}'))"));
        }
    }

    [Fact]
    public void Every_real_order_is_there_once_as_it_was_loaded_first()
    {
        Assert.Equal(
            Duck.Rows($"SELECT count(*), count(DISTINCT customer_id), sum(cds), round(sum(amount), 2) FROM '{Real}'")[0],
            Duck.Rows($"SELECT count(*), count(DISTINCT customer_id), sum(cds), round(sum(amount), 2) FROM (FROM '{Shop.Table("orders")}' QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY loaded_at) = 1)")[0]);
        Assert.InRange(Duck.Number($"SELECT count(*) - count(DISTINCT order_id) FROM '{Shop.Table("orders")}'") / 69_659, 0.015, 0.025);
    }

    public void Dispose() => shop.Dispose();
}
