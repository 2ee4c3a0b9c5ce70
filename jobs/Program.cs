using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.DuckDb;
using BatchMl.Hosting;
using BatchMl.Jobs.FlightDelays;
using BatchMl.LightGbm;
using BatchMl.Parquet;

// The composition root: which jobs there are, and which implementation stands behind each seam.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

return await new BatchMlApplication
{
    Jobs = () => [FlightDelays.Pipeline()],
    SourceFormats = new Dictionary<string, Func<SourceBinding, IBatchSource>>
    {
        ["parquet"] = b => new ParquetSource(b.Path),
        ["csv"] = b => new CsvSource(b.Path, b.Types),
        ["json"] = b => new JsonSource(b.Path, b.Types),
        ["sql"] = b => new SqlSource(b.Sql!, b.Files, b.Path.Length > 0 ? b.Path : null),
    },
    Sink = workspace => new ParquetSink(workspace.Datasets),
    Catalog = workspace => new SqliteCatalog(workspace.CatalogPath),
    Spill = (workspace, memory) => FileSpill.Factory(workspace.Spill, memory),
    Scorers = new Dictionary<string, BatchMl.Scoring.ScorerFactory>
    {
        ["lightgbm"] = LightGbmScorer.Load,
    },
}.RunAsync(args, stop.Token);
