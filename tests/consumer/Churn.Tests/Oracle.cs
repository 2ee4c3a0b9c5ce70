namespace Churn.Tests;

/// <summary>Features and label in SQL over the files, written from their descriptions: what was known at T is asked of every version of every order, row by row.</summary>
static class Oracle
{
    /// <summary>The features of the rows in a file, by customer_id and as_of.</summary>
    public static string Features(string rows, string? orders = null) => $"""
        WITH asked AS (SELECT DISTINCT customer_id, first_order_at, as_of FROM '{rows}'),
        versions AS (
          SELECT a.customer_id, a.as_of, o.*  EXCLUDE (customer_id), row_number() OVER (PARTITION BY a.customer_id, a.as_of, o.order_id ORDER BY o.loaded_at DESC) AS back
          FROM asked a JOIN '{orders ?? Shop.Table("orders")}' o ON o.customer_id = a.customer_id AND o.loaded_at <= a.as_of AND o.bought_at <= a.as_of),
        known AS (SELECT * FROM versions WHERE back = 1 AND NOT is_deleted),
        bought AS (
          SELECT a.customer_id, a.as_of, max(k.bought_at) AS last_at,
            count(*) FILTER (k.bought_at > a.as_of - INTERVAL 720 HOUR) AS orders_30d, count(*) FILTER (k.bought_at > a.as_of - INTERVAL 2160 HOUR) AS orders_90d, count(*) FILTER (k.bought_at > a.as_of - INTERVAL 8760 HOUR) AS orders_365d,
            sum(amount) FILTER (k.bought_at > a.as_of - INTERVAL 720 HOUR) AS amount_30d, sum(amount) FILTER (k.bought_at > a.as_of - INTERVAL 2160 HOUR) AS amount_90d, sum(amount) FILTER (k.bought_at > a.as_of - INTERVAL 8760 HOUR) AS amount_365d,
            count(*) FILTER (k.bought_at > a.as_of - INTERVAL 1440 HOUR AND k.bought_at <= a.as_of - INTERVAL 720 HOUR) AS orders_previous_30d,
            count(DISTINCT date_diff('day', DATE '1996-12-29', k.bought_at::DATE) // 7) FILTER (k.bought_at > a.as_of - INTERVAL 2160 HOUR) AS weeks_90d
          FROM asked a LEFT JOIN known k ON k.customer_id = a.customer_id AND k.as_of = a.as_of GROUP BY ALL)
        SELECT b.* EXCLUDE (last_at), epoch(b.as_of - last_at) / 86400 AS recency_days, (orders_30d + 1) / (orders_previous_30d + 1) AS trend, epoch(b.as_of - a.first_order_at) / 86400 AS age_days,
          (SELECT p.plan FROM '{Shop.Table("plans")}' p WHERE p.customer_id = b.customer_id AND p.since <= b.as_of AND p.written_at <= b.as_of AND NOT coalesce(p.until <= b.as_of AND p.closed_at <= b.as_of, false)
            ORDER BY p.since DESC LIMIT 1) AS plan,
          (SELECT c.channel FROM '{Shop.Table("customers")}' c WHERE c.customer_id = b.customer_id) AS channel
        FROM bought b JOIN asked a USING (customer_id, as_of)
        """;

    /// <summary>The label of rows: no order in the sixty days after that was known three days later.</summary>
    public static string Label(string rows) => $"""
        WITH asked AS (SELECT DISTINCT customer_id, as_of FROM {rows}),
        versions AS (
          SELECT a.customer_id, a.as_of, o.order_id, o.bought_at, o.is_deleted, row_number() OVER (PARTITION BY a.customer_id, a.as_of, o.order_id ORDER BY o.loaded_at DESC) AS back
          FROM asked a JOIN '{Shop.Table("orders")}' o ON o.customer_id = a.customer_id AND o.loaded_at <= a.as_of + INTERVAL 1512 HOUR)
        SELECT a.customer_id, a.as_of, count(v.order_id) = 0 AS churned FROM asked a
        LEFT JOIN versions v ON v.customer_id = a.customer_id AND v.as_of = a.as_of AND back = 1 AND NOT is_deleted AND v.bought_at > a.as_of AND v.bought_at <= a.as_of + INTERVAL 1440 HOUR GROUP BY ALL
        """;
}
