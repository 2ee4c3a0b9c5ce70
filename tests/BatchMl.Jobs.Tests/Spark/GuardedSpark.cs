using BatchMl.TestSupport;
using BatchMl.TestSupport.Spark;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>A server for tests of faults, started by the first that asks: it wants a token, tries a task four times, and has pages.</summary>
public sealed class GuardedSpark : IDisposable
{
    readonly Lazy<LiveSpark> server;

    public GuardedSpark()
    {
        var port = Ports.Free();
        Pages = $"http://127.0.0.1:{port}";
        server = new(() => LiveSpark.Start("4.1", "local[2,4]", new Dictionary<string, string>
        {
            ["spark.connect.authenticate.token"] = Token, ["spark.ui.enabled"] = "true", ["spark.ui.port"] = $"{port}", ["spark.ui.showConsoleProgress"] = "false",
        }));
    }

    /// <summary>The token that the server wants.</summary>
    public static string Token => "between-us";

    public LiveSpark Server => server.Value;

    /// <summary>The address of its pages.</summary>
    public string Pages { get; }

    /// <summary>The server with its token.</summary>
    public string Remote => WithToken(Server.Remote);

    /// <summary>Another way to the server, with its token.</summary>
    public static string WithToken(string remote, string? token = null) => $"{remote}/;token={token ?? Token}";

    public void Dispose()
    {
        if (server.IsValueCreated) server.Value.Dispose();
    }
}
