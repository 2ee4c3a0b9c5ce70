using System.Buffers.Binary;
using System.Data;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using BatchMl.Data;
using Dapper;
using Npgsql;

namespace BatchMl.Catalog;

/// <summary>
/// A schema of a PostgreSQL database. Whoever writes holds one advisory lock until the transaction's end, so that writers come one after the other as in a file: a transaction takes a millisecond, and partitions take seconds.
/// Everything is durable at once, since a server that crashes does not take with it the processes that know what it forgot: a fence could be given out twice.
/// </summary>
/// <remarks>
/// A server that goes away is waited for. When the connection breaks during a commit, the change may be made or not: each writer leaves a number beside its change, in the same transaction, and looks for it with the lock in its
/// hand, when the transaction before is over for certain.
/// </remarks>
sealed class PostgresDatabase(PostgresAddress address, TimeSpan busy, IReadOnlyList<string> scripts) : IDatabase
{
    // A server that was never reached is more likely a wrong address than one that restarts.
    readonly TimeSpan firstContact = busy < TimeSpan.FromSeconds(5) ? busy : TimeSpan.FromSeconds(5);

    // What a process that was suspended, or whose network is gone, may keep others waiting.
    const int IdleSeconds = 10;

    // The lock is a number; advisory locks are those of the database, so the schema makes it.
    readonly long key = BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"batchml catalog {address.Schema}")));
    readonly string writer = Guid.CreateVersion7().ToString();
    readonly SemaphoreSlim writing = new(1, 1);
    readonly NpgsqlDataSource source = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(address.ConnectionString) { CommandTimeout = (int)Math.Ceiling(busy.TotalSeconds) + IdleSeconds });
    long written;
    volatile bool wasReached, isCurrent;

    public Task<T> ReadAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel) => WithinAsync(connection =>
    {
        using var transaction = connection.BeginTransaction(IsolationLevel.RepeatableRead);
        var result = work(transaction);
        transaction.Commit();
        return result;
    }, () => false, cancel);

    public async Task<T> WriteAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel)
    {
        await writing.WaitAsync(cancel);
        try
        {
            var (number, isUnknown, result) = (++written, false, default(T)!);
            return await WithinAsync(connection =>
            {
                using var transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
                Lock(transaction);
                if (isUnknown && Written(transaction) == number) return result;
                isUnknown = false;
                result = work(transaction);
                Mark(transaction, number);
                isUnknown = true;
                transaction.Commit();
                return result;
            }, () => isUnknown, cancel);
        }
        finally
        {
            writing.Release();
        }
    }

    public Task<T> WriteUnsyncedAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel) => WriteAsync(work, cancel);

    void Lock(IDbTransaction t) => t.Connection!.Execute(
        string.Create(
            CultureInfo.InvariantCulture, $"SET LOCAL lock_timeout = {(int)busy.TotalMilliseconds}; SET LOCAL idle_in_transaction_session_timeout = '{IdleSeconds}s'; SELECT pg_advisory_xact_lock({key})"), transaction: t);

    long? Written(IDbTransaction t) => Rows.Value<long?>(t, "SELECT number FROM writer WHERE id = @writer", new { writer });

    // What changed nothing needs no number, and no fsync. Numbers of processes that are gone go too, some day.
    void Mark(IDbTransaction t, long number) => t.Connection!.Execute(
        $"""
        {(number == 1 ? "DELETE FROM writer WHERE at < now() - interval '30 days';" : "")}
        INSERT INTO writer (id, number, at) SELECT @writer, @number, now() WHERE pg_current_xact_id_if_assigned() IS NOT NULL
        ON CONFLICT (id) DO UPDATE SET number = excluded.number, at = excluded.at
        """, new { writer, number }, t);

    async Task<T> WithinAsync<T>(Func<NpgsqlConnection, T> attempt, Func<bool> isUnknown, CancellationToken cancel)
    {
        var began = TimeProvider.System.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(20); ; pause = pause < TimeSpan.FromSeconds(1) ? pause * 2 : pause)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancel);
                wasReached = true;
                if (!isCurrent) BringUp(connection);
                isCurrent = true;
                return attempt(connection);
            }
            catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException && IsAway(e) && TimeProvider.System.GetElapsedTime(began) < (wasReached ? busy : firstContact))
            {
                // The others of the pool are as dead.
                source.Clear();
            }
            catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
            {
                throw Explain(e, isUnknown());
            }
            catch (DamagedValueException e)
            {
                throw new DataException($"The catalog {address} is corrupt: {e.Message} Restore it from a backup, or name another schema to begin anew; published partitions stay readable and are made again.", e);
            }
            await Task.Delay(pause, cancel);
        }
    }

    void BringUp(NpgsqlConnection connection)
    {
        using (var reading = connection.BeginTransaction(IsolationLevel.RepeatableRead))
        {
            if (TablesOf(reading).Contains(Schema.VersionTable) && Schema.VersionOf(reading) == scripts.Count) return;
        }
        using var transaction = connection.BeginTransaction(IsolationLevel.ReadCommitted);
        Lock(transaction);
        // Asked first: 'IF NOT EXISTS' wants the right to make schemas even where nothing is to make.
        if (Rows.Value<long>(transaction, "SELECT COUNT(*) FROM pg_namespace WHERE nspname = @Schema", new { address.Schema }) == 0)
            connection.Execute($"CREATE SCHEMA \"{address.Schema}\"", transaction: transaction);
        var tables = TablesOf(transaction);
        if (tables.Count > 0 && !tables.Contains(Schema.VersionTable))
        {
            throw new DataException($"{address} is a schema of something else: it has the tables {string.Join(", ", tables.Take(5))} and no {Schema.VersionTable}. Name another one with ?schema=NAME.");
        }
        connection.Execute("CREATE TABLE IF NOT EXISTS writer (id TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL)", transaction: transaction);
        // Texts have the order of their bytes, as in SQLite, whatever language the database speaks.
        Schema.Migrate(transaction, [.. scripts.Select(s => s.Replace(" TEXT", " TEXT COLLATE \"C\"", StringComparison.Ordinal))], address.ToString());
        transaction.Commit();
    }

    List<string> TablesOf(IDbTransaction t) => Rows.Read<string, string>(t, "SELECT tablename::text FROM pg_tables WHERE schemaname = @Schema ORDER BY tablename", new { address.Schema }, name => name);

    // The server, or the way to it, is gone or not there yet: https://www.postgresql.org/docs/current/errcodes-appendix.html
    static bool IsAway(Exception e) => e is PostgresException p
        ? p.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow or "25P03" or "57P05" or PostgresErrorCodes.TooManyConnections
            || p.SqlState.StartsWith("08", StringComparison.Ordinal)
        : e is SocketException or TimeoutException || e.InnerException is SocketException or IOException or TimeoutException;

    BatchMlException Explain(Exception e, bool isUnknown)
    {
        var state = (e as PostgresException)?.SqlState ?? "";
        var made = isUnknown && IsAway(e) ? "Whether the last change was made is not known" : "Nothing was changed";
        return state switch
        {
            PostgresErrorCodes.LockNotAvailable => new BatchMlException(
                $"The catalog {address} was busy for {busy.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s: another process is writing to it. Wait for that to end, or look for one that hangs in pg_stat_activity.", FailureKind.Transient, e),
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new BatchMlException(
                $"PostgreSQL does not let {address.User} into the catalog {address}: {e.Message} Check user and password in the setting Storage, and the server's pg_hba.conf.", FailureKind.Permanent, e),
            PostgresErrorCodes.InvalidCatalogName => new BatchMlException($"There is no database for the catalog {address}: {e.Message} Make it with 'createdb', or name another one in the setting Storage.", FailureKind.Permanent, e),
            PostgresErrorCodes.InsufficientPrivilege => new BatchMlException(
                $"{address.User} may not use the catalog {address}: {e.Message} Grant it the schema, or the right to make one: GRANT CREATE ON DATABASE … TO ….", FailureKind.Permanent, e),
            PostgresErrorCodes.ReadOnlySqlTransaction => new BatchMlException($"The catalog {address} can not be written to: {e.Message} It is a standby, or was made read-only. Name the primary in the setting Storage.", FailureKind.Transient, e),
            PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn => new DataException(
                $"The catalog {address} is corrupt, or somebody changed its tables: {e.Message} Restore it from a backup, or name another schema to begin anew; published partitions stay readable and are made again.", e),
            _ when IsAway(e) => new BatchMlException($"PostgreSQL with the catalog {address} can not be reached: {Causes(e)} {made}. Check that it runs, and host and port in the setting Storage.", FailureKind.Transient, e),
            _ when state.Length == 0 => new BatchMlException(
                $"No connection could be made to PostgreSQL with the catalog {address}: {Causes(e)} Check the setting Storage (password, sslmode).", e.InnerException is AuthenticationException or null ? FailureKind.Permanent : FailureKind.Transient, e),
            // Classes of errors: https://www.postgresql.org/docs/current/errcodes-appendix.html; 22, 23 and 42 are those of statements and values.
            _ => new BatchMlException($"The catalog {address} failed: {e.Message} {made}.", state[..2] is "22" or "23" or "42" ? FailureKind.Permanent : FailureKind.Transient, e),
        };
    }

    static string Causes(Exception e) => e.InnerException is { } inner && inner.Message != e.Message ? $"{e.Message} ({inner.Message})" : e.Message;

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        writing.Dispose();
    }
}
