using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace BatchMl.Jobs.Tests.Spark;

/// <summary>A way to a server that breaks when it is told to: open connections end at once, and new ones are let through again.</summary>
sealed class CuttingProxy : IDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentDictionary<TcpClient, bool> open = new();
    readonly int target;

    public CuttingProxy(int target)
    {
        this.target = target;
        listener.Start();
        _ = AcceptAsync();
    }

    public string Remote => $"sc://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>Ends all connections.</summary>
    /// <returns>How many there were.</returns>
    public int Cut()
    {
        var cut = 0;
        foreach (var client in open.Keys)
        {
            if (!open.TryRemove(client, out _)) continue;
            client.Client.LingerState = new LingerOption(true, 0);
            client.Close();
            cut++;
        }
        return cut;
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ForwardAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, target);
            open[client] = true;
            var (here, there) = (client.GetStream(), server.GetStream());
            await Task.WhenAny(here.CopyToAsync(there), there.CopyToAsync(here));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut, or the other side has closed.
        }
        finally
        {
            open.TryRemove(client, out _);
            client.Dispose();
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        Cut();
    }
}
