using BatchMl.Catalog;
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
    SourceFormats = new Dictionary<string, Func<SourceBinding, BatchMl.Data.IBatchSource>>
    {
        ["parquet"] = b => new ParquetSource(b.Path),
    },
    Sink = workspace => new ParquetSink(workspace.Datasets),
    Catalog = workspace => new SqliteCatalog(workspace.CatalogPath),
    Scorers = new Dictionary<string, BatchMl.Scoring.ScorerFactory>
    {
        ["lightgbm"] = LightGbmScorer.Load,
    },
}.RunAsync(args, stop.Token);
