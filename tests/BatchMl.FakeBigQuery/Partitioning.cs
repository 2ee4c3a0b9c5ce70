using System.Globalization;
using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>How a table is cut. cloud.google.com/bigquery/docs/partitioned-tables.</summary>
/// <param name="Unit"><c>HOUR</c>, <c>DAY</c>, <c>MONTH</c>, <c>YEAR</c> or <c>RANGE</c>.</param>
/// <param name="Column">The column; of a table by time of loading <c>_PARTITIONTIME</c>.</param>
/// <param name="Range">Start, end and interval of integers.</param>
sealed record Partitioning(string Unit, string Column, (long Start, long End, long Interval) Range)
{
    /// <summary>The pseudo column of tables that are partitioned by the time of loading: cloud.google.com/bigquery/docs/querying-partitioned-tables#query_an_ingestion-time_partitioned_table.</summary>
    public const string LoadTime = "_PARTITIONTIME";

    public bool IsByLoadTime => Column == LoadTime;

    /// <summary>As the table's JSON says; null: not cut.</summary>
    public static Partitioning? Of(JsonObject table)
    {
        if (table["timePartitioning"] is JsonObject time) return new(time.Text("type")?.ToUpperInvariant() ?? throw FakeError.Invalid("timePartitioning has no type."), time.Text("field") ?? LoadTime, default);
        if (table["rangePartitioning"] is not JsonObject range) return null;
        return new("RANGE", range.Text("field")!, (range.Number("range", "start") ?? 0, range.Number("range", "end") ?? 0, range.Number("range", "interval") ?? 0));
    }

    /// <summary>Whether such a table may be: cloud.google.com/bigquery/docs/partitioned-tables and .../reference/rest/v2/tables#TimePartitioning.</summary>
    public void Check(IReadOnlyList<Field> fields)
    {
        if (Unit is not ("HOUR" or "DAY" or "MONTH" or "YEAR" or "RANGE")) throw FakeError.Invalid($"Invalid value for timePartitioning.type: {Unit}");
        if (IsByLoadTime) return;
        if (fields.Where(f => f.Name.Equals(Column, StringComparison.OrdinalIgnoreCase)).Select(f => (Field?)f).FirstOrDefault() is not { } field)
            throw FakeError.Invalid($"The field specified for partitioning cannot be found in the schema: {Column}");
        var types = Unit switch { "RANGE" => ["INTEGER"], "HOUR" => new[] { "TIMESTAMP", "DATETIME" }, _ => ["DATE", "TIMESTAMP", "DATETIME"] };
        if (field.IsRepeated || !types.Contains(field.Type)) throw FakeError.Invalid($"The field specified for partitioning '{Column}' has the type {field.Type}{(field.IsRepeated ? " (repeated)" : "")}; expected {string.Join(" or ", types)}.");
        if (Unit == "RANGE" && (Range.Interval <= 0 || Range.End <= Range.Start)) throw FakeError.Invalid("rangePartitioning.range is empty or has no interval.");
    }

    /// <summary>An expression for the id of the partition that a row is in. NULL goes to __NULL__, integers beyond the range to __UNPARTITIONED__: cloud.google.com/bigquery/docs/partitioned-tables#date_timestamp_partitioned_tables.</summary>
    public string IdSql(string column) => Unit == "RANGE"
        ? $"CASE WHEN {column} IS NULL THEN '__NULL__' WHEN {column} < {Range.Start} OR {column} >= {Range.End} THEN '__UNPARTITIONED__' ELSE CAST(({Range.Start} + ({column} - {Range.Start}) // {Range.Interval} * {Range.Interval}) AS VARCHAR) END"
        : $"CASE WHEN {column} IS NULL THEN '__NULL__' ELSE strftime(CAST({column} AS TIMESTAMP), '{Format(Unit)}') END";

    /// <summary>What follows a table's <c>$</c>: cloud.google.com/bigquery/docs/managing-partitioned-tables#partition_decorators. __NULL__ and __UNPARTITIONED__ "exist" but nothing is written into them by name.</summary>
    public void CheckDecorator(string decorator)
    {
        var good = Unit == "RANGE"
            ? long.TryParse(decorator, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var start) && start >= Range.Start && start < Range.End && (start - Range.Start) % Range.Interval == 0
            : DateTime.TryParseExact(decorator, Pattern(Unit), CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
        if (!good) throw FakeError.Invalid($"Invalid partition decorator: ${decorator} for a table partitioned by {Unit}");
    }

    /// <summary>The beginning of a partition of time, as DuckDB's literal.</summary>
    public string TimeSql(string decorator) => TimeSql(DateTime.ParseExact(decorator, Pattern(Unit), CultureInfo.InvariantCulture));

    /// <summary>The partition that a time is in, as DuckDB's literal.</summary>
    public string TimeSql(DateTime time)
    {
        var begin = Unit switch { "HOUR" => new DateTime(time.Year, time.Month, time.Day, time.Hour, 0, 0), "DAY" => time.Date, "MONTH" => new DateTime(time.Year, time.Month, 1), _ => new DateTime(time.Year, 1, 1) };
        return $"TIMESTAMPTZ '{begin:yyyy-MM-dd HH:mm:ss}+00'";
    }

    static string Format(string unit) => unit switch { "HOUR" => "%Y%m%d%H", "DAY" => "%Y%m%d", "MONTH" => "%Y%m", _ => "%Y" };

    static string Pattern(string unit) => unit switch { "HOUR" => "yyyyMMddHH", "DAY" => "yyyyMMdd", "MONTH" => "yyyyMM", _ => "yyyy" };
}
