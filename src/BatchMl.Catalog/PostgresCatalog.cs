namespace BatchMl.Catalog;

/// <summary>The catalog in a schema of a PostgreSQL database, made when first used. Any number of processes and machines share it; a restart of the database is waited for.</summary>
/// <param name="address">As <see cref="PostgresAddress"/> says.</param>
/// <param name="busy">How long others, and a database that is away, are waited for; default 30 s.</param>
/// <exception cref="DefinitionException">The address is wrong.</exception>
public sealed class PostgresCatalog(string address, TimeSpan? busy = null) : SqlCatalog(new PostgresDatabase(PostgresAddress.Parse(address), busy ?? TimeSpan.FromSeconds(30), Schema.Scripts));

/// <summary>What a server keeps, in the schema of a <see cref="PostgresCatalog"/>.</summary>
/// <param name="address">As <see cref="PostgresAddress"/> says.</param>
/// <param name="busy">How long others, and a database that is away, are waited for; default 30 s.</param>
/// <exception cref="DefinitionException">The address is wrong.</exception>
public sealed class PostgresOperations(string address, TimeSpan? busy = null) : SqlOperations(new PostgresDatabase(PostgresAddress.Parse(address), busy ?? TimeSpan.FromSeconds(30), Schema.Scripts));
