namespace BatchMl.Catalog;

/// <summary>The catalog's tables. Plain SQL that SQLite and PostgreSQL both take: text, integers, no vendor types. Times are ISO 8601 in UTC.</summary>
static class Schema
{
    /// <summary>Raised with every change; a catalog of a greater version is refused.</summary>
    public const int Version = 1;

    public const string Create = """
        CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS run (
            run_id TEXT NOT NULL PRIMARY KEY, sequence INTEGER NOT NULL, job TEXT NOT NULL, verb TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT, summary TEXT, holder TEXT NOT NULL, parent_run_id TEXT);
        CREATE TABLE IF NOT EXISTS ledger (
            sink TEXT NOT NULL, dataset TEXT NOT NULL, partition_column TEXT NOT NULL, partition_value TEXT NOT NULL,
            fence INTEGER NOT NULL, lease_run_id TEXT, lease_attempt_id TEXT, lease_holder TEXT, lease_heartbeat INTEGER, lease_ttl REAL,
            committed_fence INTEGER NOT NULL, committed TEXT, published INTEGER NOT NULL,
            PRIMARY KEY (sink, dataset, partition_column, partition_value));
        CREATE TABLE IF NOT EXISTS attempt (
            sink TEXT NOT NULL, dataset TEXT NOT NULL, partition_column TEXT NOT NULL, partition_value TEXT NOT NULL, fence INTEGER NOT NULL,
            run_id TEXT NOT NULL, attempt_id TEXT NOT NULL, state TEXT NOT NULL, rows INTEGER NOT NULL, dead_letters INTEGER NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT,
            PRIMARY KEY (sink, dataset, partition_column, partition_value, fence));
        CREATE INDEX IF NOT EXISTS attempt_by_run ON attempt (run_id, started_at);
        CREATE TABLE IF NOT EXISTS outbox (id INTEGER NOT NULL PRIMARY KEY, event TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS delivery (file TEXT NOT NULL PRIMARY KEY, last_id INTEGER NOT NULL, length INTEGER NOT NULL);
        """;
}
