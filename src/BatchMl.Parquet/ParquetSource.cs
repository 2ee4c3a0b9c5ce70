using BatchMl.Data;

namespace BatchMl.Parquet;

/// <summary>
/// A table in Parquet files of a local file system: one file, a folder, or a glob. Folders named <c>NAME=VALUE</c> right above the files become columns (and win over a column of that name in the files).
/// Columns and row groups that are not asked for are not read; page checksums are verified where a file has them. Files of our own datasets (a manifest beside them lists them) are held against their manifest,
/// footer and all. Of other files damage can not always be told: Parquet has no checksum of a page's header nor of the footer, so a flipped bit there may read as another value, name or statistic.
/// </summary>
/// <param name="path">File, folder or glob; see <see cref="PathPattern"/>.</param>
public sealed class ParquetSource(string path) : IBatchSource
{
    /// <inheritdoc/>
    /// <exception cref="DefinitionException">The path is not one of a local file system.</exception>
    /// <exception cref="DataException">A file is missing, unreadable, corrupt or not Parquet, or the files' schemas differ: every difference is named.</exception>
    public Task<ISourceSnapshot> OpenAsync(CancellationToken cancel)
    {
        var paths = PathPattern.Files(path, ".parquet");
        var hive = HiveColumns.Of(paths);
        var files = new List<PinnedFile>();
        var published = new PublishedFiles();
        try
        {
            foreach (var each in paths)
            {
                cancel.ThrowIfCancellationRequested();
                files.Add(PinnedFile.Open(each, published.Find(each)));
            }
            return Task.FromResult<ISourceSnapshot>(new ParquetSnapshot(files, hive));
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }
}
