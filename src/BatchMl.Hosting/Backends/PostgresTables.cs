using BatchMl.Catalog;
using BatchMl.Database;
using BatchMl.Lineage;
using BatchMl.Parquet;
using Npgsql;

namespace BatchMl.Hosting.Backends;

/// <summary>Tables and queries of PostgreSQL as sources; those of any other ADO.NET provider are made the same way, of its <see cref="System.Data.Common.DbDataSource"/>.</summary>
static class PostgresTables
{
    public static DatabaseTableSource Open(SourceBinding binding, SessionContext context)
    {
        if (binding.Table is null == binding.Sql is null) throw new DefinitionException($"Sources:{binding.Name} has format postgres; it needs either Table or Sql.");
        var connection = Connection(binding);
        return new DatabaseTableSource(
            new DatabaseTable
            {
                Name = binding.Name, Workspace = context.Workspace.Root, Table = binding.Table, Sql = binding.Sql, PartitionBy = binding.PartitionBy, OnProgress = context.Tell,
                // All of them, not the greatest alone: what a long transaction wrote has a watermark of the past when it is seen.
                Watermark = binding.Watermark, WatermarkDigest = "sum(hash_record_extended(ROW({0}), 0))::text",
                // As OpenLineage names tables of PostgreSQL; without a schema it is the user's to say.
                Dataset = new DatasetName(FormattableString.Invariant($"postgres://{connection.Host}:{connection.Port}"), $"{connection.Database}.{binding.Table ?? $"query {binding.Name}"}"),
            },
            NpgsqlDataSource.Create(connection), folder => new ParquetSource(folder), (path, schema) => new ParquetTableFile(path, schema), TimeProvider.System);
    }

    static NpgsqlConnectionStringBuilder Connection(SourceBinding binding)
    {
        var setting = $"Sources:{binding.Name}:Connection";
        // A password among the settings would be kept with the run.
        if (binding.Connection is not { } reference || !reference.StartsWith("env:", StringComparison.Ordinal) && !reference.StartsWith("file:", StringComparison.Ordinal))
        {
            throw new DefinitionException($"{setting} is {(binding.Connection is null ? "not set" : "no reference")}; expected env:NAME or file:PATH of a connection, such as postgres://USER:PASSWORD@HOST:PORT/DATABASE or Host=…;Database=….");
        }
        var text = Secret.Resolve(reference, setting)!;
        try
        {
            var isAddress = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);
            var builder = new NpgsqlConnectionStringBuilder(isAddress ? PostgresAddress.Parse(text).ConnectionString : text);
            // The schema that an address has by default is the catalog's.
            if (isAddress && !text.Contains("schema=", StringComparison.Ordinal)) builder.SearchPath = null;
            // One connection a plan; whatever the query calls, it changes nothing.
            (builder.Pooling, builder.Options) = (false, $"{builder.Options} -c default_transaction_read_only=on".Trim());
            return builder;
        }
        catch (DefinitionException e)
        {
            throw new DefinitionException($"{setting}: {e.Message}");
        }
        catch (ArgumentException)
        {
            throw new DefinitionException($"What {setting} refers to is no connection to PostgreSQL; expected postgres://USER:PASSWORD@HOST:PORT/DATABASE or Host=…;Database=…;Username=…;Password=….");
        }
    }
}
