using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace BatchMl.TestSupport;

/// <summary>
/// A PostgreSQL server of Debian's package, in a scratch folder of its own and on a free port; texts sort as in English, so that nobody gets by with the order of bytes unasked. Where it is not installed the test is skipped with the reason.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    static readonly Lazy<Task<PostgresServer>> shared = new(StartAsync);
    static readonly string? binaries = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(v => Path.Combine(v, "bin")).FirstOrDefault(b => File.Exists(Path.Combine(b, "initdb"))) : null;

    readonly string folder;
    readonly int port = Ports.Free();
    readonly StringBuilder log = new();
    Process? process;

    PostgresServer(string folder) => this.folder = folder;

    /// <summary>The one of this process, for tests that leave it alone: each has a schema of its own.</summary>
    public static Task<PostgresServer> SharedAsync() => shared.Value;

    /// <summary>Starts one of its own, for tests that do things to it.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        Shared.RequireOrSkip(binaries is not null, "PostgreSQL is not installed ('apt-get install --no-install-recommends postgresql').");
        var folder = Directory.CreateTempSubdirectory("batchml-postgres-").FullName;
        // PostgreSQL does not run as root.
        if (Environment.UserName == "root") await RunAsync("chown", "nobody:nogroup", folder);
        var (program, args) = AsSomebody("initdb", "-D", Path.Combine(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync");
        await RunAsync(program, args);
        var server = new PostgresServer(folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        await server.GoOnAsync();
        return server;
    }

    /// <summary>The address of a catalog in it, in a schema of its own by default.</summary>
    public string Address(string? schema = null) => string.Create(CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{port}/postgres?schema={schema ?? $"t{Guid.CreateVersion7():N}"}");

    /// <summary>Ends all connections and the server; what is committed stays.</summary>
    public Task StopAsync() => EndAsync("INT");

    /// <summary>kill -9: the next start recovers from a crash.</summary>
    public Task KillAsync() => EndAsync("KILL");

    /// <summary>Starts it again on its port.</summary>
    public async Task GoOnAsync()
    {
        var (program, args) = AsSomebody(
            "postgres", "-D", Path.Combine(folder, "data"), "-p", port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={folder}", "-c", "fsync=off",
            "-c", "max_connections=200", "-c", "shared_buffers=16MB");
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        for (var tries = 0; ;)
        {
            if (process is null)
            {
                process = Process.Start(start)!;
                process.OutputDataReceived += (_, e) => Append(e.Data);
                process.ErrorDataReceived += (_, e) => Append(e.Data);
                process.BeginOutputReadLine();
                process.BeginErrorReadLine();
            }
            using (var ready = Process.Start(new ProcessStartInfo(Path.Combine(binaries!, "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture)]))!)
            {
                await ready.WaitForExitAsync();
                if (ready.ExitCode == 0 && !process.HasExited) return;
            }
            if (process.HasExited)
            {
                // After a kill its children take a moment to see that it is gone.
                if (++tries == 100) throw new InvalidOperationException($"PostgreSQL does not start: {Log}");
                process.Dispose();
                process = null;
            }
            await Task.Delay(30);
        }
    }

    string Log
    {
        get
        {
            lock (log) return log.ToString();
        }
    }

    void Append(string? line)
    {
        lock (log) log.AppendLine(line);
    }

    async Task EndAsync(string signal)
    {
        await RunAsync("kill", $"-{signal}", process!.Id.ToString(CultureInfo.InvariantCulture));
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    static (string Program, string[] Args) AsSomebody(string program, params string[] args)
    {
        var path = Path.Combine(binaries!, program);
        return Environment.UserName == "root" ? ("setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", path, .. args]) : (path, args);
    }

    static async Task RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', args)} ended with {process.ExitCode}: {string.Concat(said)}");
    }

    public void Dispose()
    {
        if (process is { HasExited: false }) process.Kill(entireProcessTree: true);
        process?.Dispose();
        process = null;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
