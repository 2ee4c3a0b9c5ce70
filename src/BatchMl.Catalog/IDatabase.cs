using System.Data;

namespace BatchMl.Catalog;

/// <summary>
/// A database as the tables see it: transactions, one after the other where they write, so that what a transaction read stays true until its end and ids grow in the order of commits. Made and brought to the newest
/// version when first used. Errors are those of <see cref="Runs.ICatalog"/>.
/// </summary>
interface IDatabase : IAsyncDisposable
{
    /// <summary>Reads one state of the catalog; writers do not stop it, nor it them.</summary>
    Task<T> ReadAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel);

    /// <summary>Changes the catalog, durably.</summary>
    /// <param name="work">May be done again, in a new transaction, when the one before is known to have changed nothing.</param>
    /// <param name="cancel">Stops the wait for others.</param>
    Task<T> WriteAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel);

    /// <summary>
    /// The same, for what a power cut may undo together with the processes that know of it: durable with the next change that is, and safe from the end of this process at once. Changes are never undone out of order.
    /// </summary>
    Task<T> WriteUnsyncedAsync<T>(Func<IDbTransaction, T> work, CancellationToken cancel);
}
