namespace BatchMl.Catalog;

/// <summary>The catalog in one SQLite file (WAL), made when first used; another process that writes is waited for.</summary>
/// <param name="path">The file; its folder is made.</param>
/// <param name="busy">How long another process is waited for; default 30 s.</param>
public sealed class SqliteCatalog(string path, TimeSpan? busy = null) : SqlCatalog(new SqliteFile(path, busy ?? TimeSpan.FromSeconds(30), Schema.Scripts));

/// <summary>What a server keeps, in the file of a <see cref="SqliteCatalog"/>.</summary>
/// <param name="path">The file; its folder is made.</param>
/// <param name="busy">How long another process is waited for; default 30 s.</param>
public sealed class SqliteOperations(string path, TimeSpan? busy = null) : SqlOperations(new SqliteFile(path, busy ?? TimeSpan.FromSeconds(30), Schema.Scripts));
