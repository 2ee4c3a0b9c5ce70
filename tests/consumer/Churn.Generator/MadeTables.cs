using DuckDB.NET.Data;

namespace Churn.Generator;

/// <summary>
/// Real orders with what reality would add: the time of day, when each was loaded, corrections and deletions, plans and channels. All of that is made, by a fixed seed; who bought when and for how much is not.
/// </summary>
public static class MadeTables
{
    // The function r(id, what, n) is a number below n (at most 65,536) that depends on nothing else; 1997 is the seed. 2 % of the orders are changed after they were loaded, half of them deleted; 3 % are loaded days late.
    const string Make = """
        SET TimeZone = 'UTC'; SET threads = 1;
        CREATE MACRO r(id, what, n) AS ((id * 7919 + (what + 1997) * 104729) * 2654435761 % 4294967296 // 65536) % n;
        CREATE TABLE loaded AS
          SELECT order_id, customer_id, day + to_seconds(21600 + r(order_id, 1, 64800)) AS bought_at,
            day + INTERVAL 25 HOUR + INTERVAL 30 MINUTE + to_days(CASE WHEN r(order_id, 2, 100) < 3 THEN 1 + r(order_id, 3, 10) ELSE 0 END::INTEGER) AS loaded_at, cds, amount
          FROM (SELECT file_row_number + 1 AS order_id, customer_id::BIGINT AS customer_id, order_date::TIMESTAMP::TIMESTAMPTZ AS day, cds::BIGINT AS cds, amount FROM read_parquet('{cdnow}', file_row_number = true));
        CREATE TABLE orders AS
          SELECT *, false AS is_deleted FROM loaded
          UNION ALL
          SELECT order_id, customer_id, bought_at, loaded_at + to_days((1 + r(order_id, 5, 30))::INTEGER), cds, CASE WHEN r(order_id, 4, 100) = 0 THEN round(amount * 0.8, 2) ELSE amount END, r(order_id, 4, 100) = 1 FROM loaded WHERE r(order_id, 4, 100) < 2;
        CREATE TABLE customers AS SELECT customer_id, min(bought_at) AS first_order_at, min(loaded_at) AS known_at, ['web', 'catalog', 'partner'][1 + r(customer_id, 6, 3)] AS channel FROM loaded GROUP BY customer_id;
        CREATE TABLE changes AS
          SELECT *, first_order_at + to_days((30 + r(customer_id, 7, 200))::INTEGER) AS joined, first_order_at + to_days((260 + r(customer_id, 9, 150))::INTEGER) AS left_again, r(customer_id, 11, 2) = 0 AS joins, r(customer_id, 11, 6) = 0 AS leaves,
            to_days((1 + r(customer_id, 8, 20))::INTEGER) AS noticed_joining, to_days((1 + r(customer_id, 10, 20))::INTEGER) AS noticed_leaving FROM customers;
        CREATE TABLE plans AS
          SELECT customer_id, 'basic' AS plan, first_order_at AS since, CASE WHEN joins THEN joined END AS until, CASE WHEN joins THEN joined + noticed_joining END AS closed_at, known_at AS written_at FROM changes
          UNION ALL
          SELECT customer_id, 'club', joined, CASE WHEN leaves THEN left_again END, CASE WHEN leaves THEN left_again + noticed_leaving END, joined + noticed_joining FROM changes WHERE joins
          UNION ALL
          SELECT customer_id, 'basic', left_again, NULL, NULL, left_again + noticed_leaving FROM changes WHERE leaves;
        COPY (FROM customers ORDER BY customer_id) TO '{folder}/customers.parquet' (FORMAT parquet, COMPRESSION zstd);
        COPY (FROM orders ORDER BY loaded_at, order_id) TO '{folder}/orders.parquet' (FORMAT parquet, COMPRESSION zstd);
        COPY (FROM plans ORDER BY customer_id, since) TO '{folder}/plans.parquet' (FORMAT parquet, COMPRESSION zstd);
        """;

    /// <summary>Makes <c>customers.parquet</c>, <c>orders.parquet</c> and <c>plans.parquet</c>.</summary>
    /// <param name="cdnow">The real orders.</param>
    /// <param name="folder">Where to.</param>
    public static void Write(string cdnow, string folder)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = Make.Replace("{cdnow}", cdnow.Replace("'", "''"), StringComparison.Ordinal).Replace("{folder}", folder.Replace("'", "''"), StringComparison.Ordinal);
        command.ExecuteNonQuery();
    }
}
