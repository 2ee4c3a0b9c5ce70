namespace BatchMl.DuckDb;

/// <summary>DuckDB tells compression from a file's name, which a descriptor has not.</summary>
static class Compression
{
    public static string Of(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".gz" => ", compression = 'gzip'",
        ".zst" => ", compression = 'zstd'",
        _ => "",
    };
}
