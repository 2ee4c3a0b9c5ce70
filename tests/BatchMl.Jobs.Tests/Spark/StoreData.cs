using System.Globalization;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>
/// What the jobs of <c>BatchMl.SparkJobs</c> read, made anew: multiplications by primes stand for random numbers. Customer c0 has half of all visits and sales.
/// </summary>
sealed class StoreData : IDisposable
{
    readonly TestFolder folder = new();

    public StoreData()
    {
        Copy("visits", 3, 3_000, """
            SELECT i AS id, CASE WHEN i % 2 = 0 THEN 'c0' WHEN i % 29 > 1 THEN 'c' || (i * 7919 % 101) END AS customer, 's' || (i * 31 % 9) AS shop, CASE WHEN i % 37 > 0 THEN 'b' || (i * 17 % 14) END AS shop_branch,
            CASE WHEN i % 500 <> 3 AND i % 97 <> 5 THEN TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_minutes(i * 6607 % (36 * 1440)) END AS "at", CASE WHEN i % 500 = 3 THEN 'without time' ELSE 'lane ' || (i % 5) END AS lane,
            CASE WHEN i % 19 > 0 THEN (i * 613 % 1009) / 7.0 END AS basket, i % 43 AS tries, (i * 7919) % 13 < 6 AS bought
            """);
        // Up to three versions of a sale: the second may be another customer's, or say that there was none; what is said never to have been was known before.
        Copy("sales", 4, 12_000, """
            SELECT k AS number, i AS seq, CASE WHEN v = 1 AND k % 9 = 0 THEN 'c' || ((k + 1) * 6007 % 101) WHEN k % 2 = 0 THEN 'c0' WHEN k % 31 <> 7 THEN 'c' || (k * 6007 % 101) END AS customer,
            CASE WHEN k % 41 > 0 THEN 's' || (k * 13 % 9) END AS shop, TIMESTAMPTZ '2023-12-20 00:00:00Z' + to_minutes(k * 104729 % (50 * 1440)) AS "at",
            CASE WHEN k % 53 <> 1 OR k % 15 = 0 OR v > 0 THEN "at" + to_minutes(k * 31 % 700) + to_hours(v * 20) END AS known, CASE WHEN k % 7 <> 1 THEN v = 1 AND k % 15 = 0 END AS gone,
            CASE WHEN k % 11 > 0 THEN (k * 2654435761 % 100003) / 7.0 - 5000 + v END AS amount, k * 13 % 7 AS items, CASE WHEN k % 13 > 0 THEN 'p' || (k * 37 % 41) END AS product, NULL::VARCHAR AS note
            FROM (SELECT i, i // 3 AS k, i % 3 AS v FROM numbered) WHERE v = 0 OR (v = 1 AND k % 3 = 0) OR (v = 2 AND k % 12 = 0)
            """);
        // Whole hours, so that a customer looks at several pages at once.
        Copy("clicks", 2, 4_000, """
            SELECT CASE WHEN i % 3 = 0 THEN 'c0' ELSE 'c' || (i * i % 101) END AS customer, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_hours(i * 37 % 860) AS "at", CASE WHEN i % 17 > 0 THEN (i * 7 % 90)::DOUBLE END AS lag_minutes,
            CASE WHEN i % 23 > 0 THEN 'page ' || (i % 5) END AS page
            """);
        // On the second and third, and on the 22nd and 23rd of January nobody is a member.
        Copy("members", 1, 303, """
            SELECT 'c' || (i // 3) AS customer, TIMESTAMPTZ '2023-12-15 00:00:00Z' + to_days(20 * (i % 3)::INT) AS valid_from, CASE WHEN i % 3 < 2 OR i % 4 = 0 THEN valid_from + to_days(18) END AS valid_to,
            CASE WHEN i % 5 > 0 THEN valid_to + to_hours(i * 11 % 30) ELSE valid_to END AS closed_known, CASE WHEN i % 10 = 9 THEN 'closed' ELSE 'tier ' || (i % 4) END AS tier, CASE WHEN i % 8 > 0 THEN 'b' || (i * 5 % 14) END AS branch
            """);
        Copy("reports", 2, 2_470, """
            SELECT 'b' || (i % 13) AS branch, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_hours(5 * (i // 13)) AS "at", CASE WHEN i % 9 > 0 THEN (i * 7919 % 1000) / 13.0 END AS load
            """);
        Copy("shops", 1, 8, "SELECT 's' || i AS shop, CASE WHEN i <> 2 THEN i * 10.5::DOUBLE END AS area");
    }

    /// <summary>Settings that say where it is.</summary>
    public IEnumerable<string> Settings => Names.SelectMany(name => new[] { "--set", $"Sources:{name}:Path={folder.At(name)}" });

    /// <summary>Each source with its folder, and the day of a row in Spark's words.</summary>
    public IEnumerable<(string Name, string Path, string Day)> Sources => Names.Select(name => (name, folder.At(name), name switch { "members" => "date(valid_from)", "shops" => "1", _ => "date(at)" }));

    static readonly string[] Names = ["visits", "sales", "clicks", "members", "reports", "shops"];

    // In the order of the rows, cut into files, and these into row groups.
    void Copy(string name, int files, int rows, string select)
    {
        Directory.CreateDirectory(folder.At(name));
        for (var file = 0; file < files; file++)
        {
            var all = string.Create(CultureInfo.InvariantCulture, $"WITH numbered AS (SELECT i FROM range({rows}) t(i) WHERE i * {files} // {rows} = {file})");
            var from = select.Contains("FROM (", StringComparison.Ordinal) ? "" : "FROM numbered";
            var order = name == "sales" ? "ORDER BY seq" : "ORDER BY i";
            Duck.Execute($"COPY ({all} {select} {from} {order}) TO '{folder.At(name, $"{file}.parquet")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)");
        }
    }

    public void Dispose() => folder.Dispose();
}
