using BatchMl.Catalog;
using BatchMl.Data;
using BatchMl.Hosting;
using BatchMl.Runs;
using BatchMl.Scoring;
using BatchMl.TestSupport.Runs;

namespace BatchMl.Server.Tests;

/// <summary>The program around jobs of a test: real catalog, partitions that are texts.</summary>
static class TestApplication
{
    /// <summary>An application over jobs.</summary>
    /// <param name="jobs">The jobs.</param>
    /// <param name="output">Where results are written to.</param>
    /// <param name="error">Where problems and warnings are written to.</param>
    public static BatchMlApplication Of(IReadOnlyList<Job> jobs, TextWriter output, TextWriter error) => new BatchMlApplication
    {
        Jobs = () => jobs,
        SourceFormats = new Dictionary<string, Func<SourceBinding, SessionContext, IBatchSource>>(),
        Sink = w => new FolderSink(w.Datasets),
        Catalog = c => c.Postgres is { } address ? new PostgresCatalog(address) : new SqliteCatalog(c.Workspace.CatalogPath),
        Operations = c => c.Postgres is { } address ? new PostgresOperations(address) : new SqliteOperations(c.Workspace.CatalogPath),
        Scorers = new Dictionary<string, ScorerFactory>(),
        Out = TextWriter.Synchronized(output),
        Error = TextWriter.Synchronized(error),
    }.WithServer();
}
