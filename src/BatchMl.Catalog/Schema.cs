using System.Data;
using BatchMl.Data;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>The catalog's tables, in SQL that SQLite and PostgreSQL both take: text, integers, doubles. Times are ISO 8601 in UTC, so that their order is that of their text.</summary>
static class Schema
{
    public const string VersionTable = "schema_version";

    /// <summary>Each script brings a catalog from the version before to its own, the first one from nothing to 1. Scripts are never changed, only added.</summary>
    public static readonly IReadOnlyList<string> Scripts =
    [
        """
        CREATE TABLE run (
            run_id TEXT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL UNIQUE, job TEXT NOT NULL, verb TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL,
            started_at TEXT NOT NULL, finished_at TEXT, error TEXT, summary TEXT, holder TEXT NOT NULL, parent_run_id TEXT);
        CREATE INDEX run_by_state ON run (state);
        CREATE TABLE ledger (
            sink TEXT NOT NULL, dataset TEXT NOT NULL, partition_column TEXT NOT NULL, partition_value TEXT NOT NULL,
            fence BIGINT NOT NULL, lease_fence BIGINT, heartbeat BIGINT NOT NULL, committed_fence BIGINT NOT NULL, committed TEXT, published_fence BIGINT NOT NULL,
            PRIMARY KEY (sink, dataset, partition_column, partition_value));
        CREATE TABLE attempt (
            sink TEXT NOT NULL, dataset TEXT NOT NULL, partition_column TEXT NOT NULL, partition_value TEXT NOT NULL, fence BIGINT NOT NULL,
            run_id TEXT NOT NULL REFERENCES run (run_id), attempt_id TEXT NOT NULL UNIQUE, holder TEXT NOT NULL, lineage TEXT NOT NULL, ttl DOUBLE PRECISION NOT NULL, state TEXT NOT NULL,
            row_count BIGINT NOT NULL, dead_letters BIGINT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT, error TEXT,
            PRIMARY KEY (sink, dataset, partition_column, partition_value, fence),
            FOREIGN KEY (sink, dataset, partition_column, partition_value) REFERENCES ledger (sink, dataset, partition_column, partition_value));
        CREATE INDEX attempt_by_run ON attempt (run_id);
        CREATE INDEX attempt_by_state ON attempt (state);
        CREATE TABLE outbox (id BIGINT NOT NULL PRIMARY KEY, put_at TEXT NOT NULL, event TEXT NOT NULL);
        CREATE TABLE delivery (file TEXT NOT NULL PRIMARY KEY, last_id BIGINT NOT NULL, length BIGINT NOT NULL);
        """,
        "ALTER TABLE ledger ADD COLUMN committed_digest TEXT;",
        """
        CREATE TABLE partition_status (
            sink TEXT NOT NULL, dataset TEXT NOT NULL, partition_column TEXT NOT NULL, partition_value TEXT NOT NULL, state TEXT NOT NULL, row_count BIGINT NOT NULL, dead_letters BIGINT NOT NULL,
            committed_at TEXT, run_id TEXT NOT NULL, error TEXT,
            PRIMARY KEY (sink, dataset, partition_column, partition_value));
        INSERT INTO partition_status (sink, dataset, partition_column, partition_value, state, row_count, dead_letters, committed_at, run_id, error)
            SELECT l.sink, l.dataset, l.partition_column, l.partition_value, CASE WHEN a.state IN ('Leased', 'Staged') THEN 'Running' WHEN a.state = 'Aborted' THEN 'Failed' ELSE a.state END,
                COALESCE(c.row_count, 0), COALESCE(c.dead_letters, 0), c.finished_at, a.run_id, a.error
            FROM ledger l
                JOIN attempt a ON a.sink = l.sink AND a.dataset = l.dataset AND a.partition_column = l.partition_column AND a.partition_value = l.partition_value AND a.fence = l.fence
                LEFT JOIN attempt c ON c.sink = l.sink AND c.dataset = l.dataset AND c.partition_column = l.partition_column AND c.partition_value = l.partition_value AND c.fence = l.committed_fence;
        CREATE TABLE partition_change (number BIGINT NOT NULL);
        INSERT INTO partition_change (number) VALUES (0);
        CREATE TABLE queued_run (
            id TEXT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL UNIQUE, job TEXT NOT NULL, verb TEXT NOT NULL, request TEXT NOT NULL, target_run_id TEXT, queue TEXT NOT NULL,
            run_group TEXT, group_limit INTEGER NOT NULL, schedule TEXT, occurrence TEXT, after_id TEXT, not_before TEXT, retries INTEGER NOT NULL, time_limit DOUBLE PRECISION,
            requested_by TEXT NOT NULL, requested_at TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, tries INTEGER NOT NULL, run_id TEXT, holder TEXT, heartbeat BIGINT NOT NULL,
            cancel_requested INTEGER NOT NULL, started_at TEXT, finished_at TEXT);
        CREATE UNIQUE INDEX queued_run_by_occurrence ON queued_run (schedule, occurrence);
        CREATE INDEX queued_run_by_state ON queued_run (state);
        CREATE TABLE schedule (name TEXT NOT NULL PRIMARY KEY, last_occurrence TEXT, paused_by TEXT, paused_at TEXT);
        CREATE TABLE progress (
            run_id TEXT NOT NULL PRIMARY KEY, job TEXT NOT NULL, step TEXT, partitions_done INTEGER NOT NULL, partitions INTEGER NOT NULL, row_count BIGINT NOT NULL,
            rows_per_second DOUBLE PRECISION NOT NULL, dead_letters BIGINT NOT NULL, remaining DOUBLE PRECISION, at TEXT NOT NULL);
        CREATE TABLE notification (
            id TEXT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL UNIQUE, dedup_key TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, details TEXT NOT NULL,
            created_at TEXT NOT NULL, tries INTEGER NOT NULL, next_try_at TEXT, sent_at TEXT, error TEXT,
            UNIQUE (channel, dedup_key));
        CREATE INDEX notification_by_next_try ON notification (next_try_at);
        CREATE TABLE api_key (hash TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, created_at TEXT NOT NULL, revoked_at TEXT);
        CREATE TABLE audit (
            id BIGINT NOT NULL PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, details TEXT NOT NULL, digest TEXT NOT NULL);
        CREATE TABLE audit_head (id BIGINT NOT NULL, digest TEXT NOT NULL);
        INSERT INTO audit_head (id, digest) VALUES (0, '');
        """,
    ];

    /// <summary>Brings a catalog to the newest version.</summary>
    /// <param name="transaction">An exclusive one: of two processes that meet a new catalog one makes the tables.</param>
    /// <param name="scripts">As <see cref="Scripts"/>.</param>
    /// <param name="where">Names the catalog in messages.</param>
    /// <exception cref="DataException">It is of a newer version.</exception>
    public static void Migrate(IDbTransaction transaction, IReadOnlyList<string> scripts, string where)
    {
        var connection = transaction.Connection!;
        connection.Execute($"CREATE TABLE IF NOT EXISTS {VersionTable} (version INTEGER NOT NULL)", transaction: transaction);
        var version = VersionOf(transaction);
        if (version > scripts.Count)
        {
            throw new DataException($"{where} is a catalog of version {version}; this BatchMl knows versions up to {scripts.Count}. Use the BatchMl that made it or a newer one, or another workspace.");
        }
        if (version == scripts.Count) return;
        foreach (var script in scripts.Skip(version)) connection.Execute(script, transaction: transaction);
        connection.Execute($"DELETE FROM {VersionTable}", transaction: transaction);
        connection.Execute($"INSERT INTO {VersionTable} (version) VALUES (@Count)", new { scripts.Count }, transaction);
    }

    /// <summary>The version of a catalog that has the version table; 0: nothing is in it yet.</summary>
    public static int VersionOf(IDbTransaction transaction) => Rows.Value<int?>(transaction, $"SELECT MAX(version) FROM {VersionTable}") ?? 0;
}
