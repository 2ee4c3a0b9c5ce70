using BatchMl.Fakes;

// The stand-in as a program, for whoever runs in another process: --urls http://127.0.0.1:9050, and --storage FOLDER, in which gs://bucket/object is FOLDER/bucket/object.
string? Argument(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;

var storage = Argument("--storage");
await using var fake = await FakeBigQuery.StartAsync(new()
{
    Url = Argument("--urls") ?? "http://127.0.0.1:0",
    Storage = storage is null ? null : uri => Files(Path.Combine(storage, uri["gs://".Length..])),
});
Console.WriteLine(fake.Url);
await fake.WaitAsync();

static IReadOnlyList<string> Files(string path)
{
    if (!path.Contains('*', StringComparison.Ordinal)) return File.Exists(path) ? [path] : [];
    var folder = Path.GetDirectoryName(path)!;
    return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, Path.GetFileName(path)).Order(StringComparer.Ordinal)] : [];
}
