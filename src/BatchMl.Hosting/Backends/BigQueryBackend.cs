using BatchMl.BigQuery;
using BatchMl.Parquet;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Hosting.Backends;

/// <summary>BigQuery as sink and source, as the section <c>bigquery</c> says.</summary>
static class BigQueryBackend
{
    // Rows are staged in the workspace, a folder for each table, and loaded from there.
    public static BigQuerySink Sink(Uri address, SessionContext context)
    {
        var options = BigQuerySettings.Read(address.OriginalString, Section(context));
        var folder = Path.Combine(context.Workspace.Root, BigQueryAddress.Scheme, options.Table.ProjectId, options.Table.DatasetId, options.Table.TableId);
        return new BigQuerySink(options, new ParquetSink(folder, new ParquetLayout { Name = options.Name, ForOtherReaders = true }));
    }

    public static BigQuerySource Table(SourceBinding binding, SessionContext context)
    {
        var options = BigQuerySettings.ReadSource(binding.Name, binding.Table, binding.Sql, context.Workspace.Root, Section(context));
        return new BigQuerySource(options with { PartitionBy = binding.PartitionBy, OnProgress = context.Tell }, folder => new ParquetSource(folder), (path, schema) => new ParquetTableFile(path, schema));
    }

    static IEnumerable<KeyValuePair<string, string?>> Section(SessionContext context) => context.Configuration.GetSection(BigQueryAddress.Scheme).AsEnumerable(makePathsRelative: true);
}
