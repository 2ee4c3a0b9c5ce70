using System.Diagnostics;
using System.Net.Http.Json;
using Xunit;

namespace BatchMl.TestSupport;

/// <summary>
/// A real server of Google Cloud Storage's API (fake-gcs-server) over a scratch folder, in which <c>gs://bucket/object</c> is <c>bucket/object</c>. Where it is not at hand the test is skipped with the reason.
/// </summary>
public sealed class CloudStorageServer : IAsyncDisposable
{
    /// <summary>A bucket that is there.</summary>
    public const string Bucket = "staged";

    readonly Process process;
    readonly TestFolder folder;

    CloudStorageServer(Process process, TestFolder folder, string url) => (this.process, this.folder, Url) = (process, folder, url);

    /// <summary>Where it answers.</summary>
    public string Url { get; }

    /// <summary>Starts one of its own, with one empty bucket.</summary>
    public static async Task<CloudStorageServer> StartAsync()
    {
        var folder = new TestFolder();
        var url = $"http://127.0.0.1:{Ports.Free()}";
        var process = Process.Start(new ProcessStartInfo(Path.Combine(await InstallAsync(), "fake-gcs-server"), ["-scheme", "http", "-host", "127.0.0.1", "-port", new Uri(url).Port.ToString(), "-backend", "filesystem", "-filesystem-root", folder.Path, "-log-level", "error"]))!;
        var server = new CloudStorageServer(process, folder, url);
        using var http = new HttpClient();
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var made = await http.PostAsJsonAsync($"{url}/storage/v1/b?project=test", new { name = Bucket });
                made.EnsureSuccessStatusCode();
                return server;
            }
            catch (HttpRequestException) when (tries < 300 && !process.HasExited)
            {
                await Task.Delay(30);
            }
        }
    }

    /// <summary>The files behind an address, none or one: as a warehouse finds what it is to load.</summary>
    public IReadOnlyList<string> Files(string uri) => File.Exists(PathOf(uri)) ? [PathOf(uri)] : [];

    /// <summary>The file behind an address.</summary>
    public string PathOf(string uri) => Path.Combine(folder.Path, uri["gs://".Length..]);

    /// <summary>All objects, in order.</summary>
    public IReadOnlyList<string> Objects => [.. Directory.EnumerateFiles(Path.Combine(folder.Path, Bucket), "*", SearchOption.AllDirectories).Select(f => $"gs://{Path.GetRelativePath(folder.Path, f)}").Order(StringComparer.Ordinal)];

    static async Task<string> InstallAsync()
    {
        using var install = Process.Start(new ProcessStartInfo("bash", [Shared.Path("objectstores/install.sh")]) { RedirectStandardOutput = true })!;
        var where = (await install.StandardOutput.ReadToEndAsync()).Trim();
        await install.WaitForExitAsync();
        Assert.Equal(0, install.ExitCode);
        return where;
    }

    /// <summary>Ends it and removes its objects.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }
}
