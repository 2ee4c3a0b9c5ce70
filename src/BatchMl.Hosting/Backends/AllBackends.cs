using BatchMl.BigQuery;
using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.DuckDb;
using BatchMl.Engine;
using BatchMl.LightGbm;
using BatchMl.Onnx;
using BatchMl.Parquet;
using BatchMl.Runs;
using BatchMl.Scoring;

namespace BatchMl.Hosting.Backends;

/// <summary>Which implementation stands behind each seam, unless a program says otherwise.</summary>
static class AllBackends
{
    /// <summary>An application over jobs, with all of them.</summary>
    public static BatchMlApplication Of(Func<IReadOnlyList<Job>> jobs) => new()
    {
        Jobs = jobs,
        SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>
        {
            ["parquet"] = (b, _) => new ParquetSource(b.Path),
            ["csv"] = (b, _) => new CsvSource(b.Path, b.Types),
            ["json"] = (b, _) => new JsonSource(b.Path, b.Types),
            ["sql"] = (b, _) => new SqlSource(b.Sql!, b.Files, b.Path.Length > 0 ? b.Path : null),
            ["spark"] = SparkBackend.Table,
            [BigQueryAddress.Scheme] = BigQueryBackend.Table,
            ["postgres"] = PostgresTables.Open,
        },
        Sink = workspace => new ParquetSink(workspace.Datasets),
        ScoreSinks = new Dictionary<string, Func<Uri, SessionContext, IBatchSink>> { [BigQueryAddress.Scheme] = BigQueryBackend.Sink },
        Catalog = c => c.Postgres is { } address ? new PostgresCatalog(address) : new SqliteCatalog(c.Workspace.CatalogPath),
        Operations = c => c.Postgres is { } address ? new PostgresOperations(address) : new SqliteOperations(c.Workspace.CatalogPath),
        Spill = (workspace, memory) => FileSpill.Factory(workspace.Spill, memory),
        Scorers = new Dictionary<string, ScorerFactory>
        {
            [LightGbmScorer.Flavor] = LightGbmScorer.Load,
            [OnnxScorer.Flavor] = OnnxScorer.Load,
        },
        Query = (workspace, sql) => new DatasetQuery(workspace.Datasets, sql),
        TableFiles = new Dictionary<string, TableFileFactory>
        {
            [".parquet"] = (path, schema) => new ParquetTableFile(path, schema),
            [".csv"] = (path, schema) => new CsvTableFile(path, schema),
        },
        Engines = new Dictionary<string, Func<SessionContext, IEngine>> { ["spark"] = SparkBackend.Engine },
    };
}
