using System.Data;
using System.Globalization;
using BatchMl.Data;
using Dapper;
using Microsoft.Data.Sqlite;

namespace BatchMl.Catalog;

/// <summary>
/// A SQLite file (WAL, fsync at every commit that must survive a power cut), opened and brought to the newest version when first used. One connection, used by one thread at a time; other processes are waited for.
/// </summary>
sealed class SqliteFile(string path, TimeSpan busy, IReadOnlyList<string> scripts) : IDatabase
{
    // SQLite's result codes, https://www.sqlite.org/rescode.html
    const int Busy = 5, Locked = 6, ReadOnly = 8, Failing = 10, Corrupt = 11, Full = 13, CanNotOpen = 14, NotADatabase = 26;

    readonly string path = Path.GetFullPath(path);
    readonly SemaphoreSlim gate = new(1, 1);
    SqliteConnection? connection;
    bool isSynced = true;

    public Task<T> ReadAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel) => WithinAsync(work, deferred: true, isSynced, cancel);

    // The write lock is taken at the begin, so what was read stays true until the end.
    public Task<T> WriteAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel) => WithinAsync(work, deferred: false, synced: true, cancel);

    public Task<T> WriteUnsyncedAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel) => WithinAsync(work, deferred: false, synced: false, cancel);

    async Task<T> WithinAsync<T>(Func<IDbTransaction, T> work, bool deferred, bool synced, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            connection ??= Open();
            if (synced != isSynced) connection.Execute($"PRAGMA synchronous = {(synced ? "FULL" : "NORMAL")}");
            isSynced = synced;
            using var transaction = connection.BeginTransaction(deferred);
            var result = work(transaction);
            transaction.Commit();
            return result;
        }
        catch (SqliteException e)
        {
            throw Explain(e);
        }
        catch (DamagedValueException e)
        {
            throw new DataException($"The catalog {path} is corrupt: {e.Message} Restore it from a backup, or move it away (with -wal and -shm) to begin anew; published partitions stay readable and are made again.", e);
        }
        finally
        {
            gate.Release();
        }
    }

    SqliteConnection Open()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BatchMlException($"The folder of the catalog {path} can not be made: {e.Message} Choose a writable folder with --workspace.", FailureKind.Permanent, e);
        }
        var seconds = Math.Max(1, (int)Math.Ceiling(busy.TotalSeconds));
        // Not pooled: a pooled connection would keep the file open after the catalog is disposed.
        var opened = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = seconds, Pooling = false, ForeignKeys = true }.ConnectionString);
        try
        {
            opened.Open();
            // SQLite's own wait looks every few milliseconds; the provider's, behind it, only every 150.
            opened.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout = {(int)busy.TotalMilliseconds}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
            if (!IsCurrent(opened)) Migrate(opened);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    // Who only reads need not wait for a writer.
    bool IsCurrent(SqliteConnection opened)
    {
        using var transaction = opened.BeginTransaction(deferred: true);
        return opened.QuerySingle<int>("SELECT COUNT(*) FROM sqlite_master WHERE name = @VersionTable", new { Schema.VersionTable }, transaction) > 0 && Schema.VersionOf(transaction) == scripts.Count;
    }

    void Migrate(SqliteConnection opened)
    {
        using var transaction = opened.BeginTransaction(deferred: false);
        RefuseForeign(transaction);
        Schema.Migrate(transaction, scripts, path);
        transaction.Commit();
    }

    // Somebody else's database is not made a catalog by adding tables to it.
    void RefuseForeign(IDbTransaction transaction)
    {
        var tables = transaction.Connection!.Query<string>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", transaction: transaction).AsList();
        if (tables.Count > 0 && !tables.Contains(Schema.VersionTable))
        {
            throw new DataException($"{path} is a SQLite database of something else: it has the tables {string.Join(", ", tables.Take(5))} and no {Schema.VersionTable}. Move it away, or choose another workspace.");
        }
    }

    BatchMlException Explain(SqliteException e) => e.SqliteErrorCode switch
    {
        Busy or Locked => new BatchMlException(
            $"The catalog {path} was busy for {busy.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s: another process is writing to it. Wait for that to end, or look for one that hangs.", FailureKind.Transient, e),
        Corrupt or NotADatabase => new DataException(
            $"{path} is not a SQLite catalog, or it is corrupt: {e.Message} Restore it from a backup, or move it away (with -wal and -shm) to begin anew; published partitions stay readable and are made again.", e),
        ReadOnly or CanNotOpen => new BatchMlException($"The catalog {path} can not be written to: {e.Message} Check the permissions of the file and its folder, or choose another folder with --workspace.", FailureKind.Permanent, e),
        Full or Failing => new BatchMlException(
            $"The catalog {path} can not be written now: {e.Message} Nothing was changed. Free space on its disk, or mend it, and run again.", FailureKind.Transient, e),
        _ => new BatchMlException($"The catalog {path} failed: {e.Message}", FailureKind.Transient, e),
    };

    public async ValueTask DisposeAsync()
    {
        if (connection is not null) await connection.DisposeAsync();
        gate.Dispose();
    }
}
