using System.Net;
using System.Net.Sockets;

namespace BatchMl.Catalog.Tests;

/// <summary>A wire to a PostgreSQL server that is cut, when told to, at the next commit: before the server gets it, or after it has answered and before the answer arrives.</summary>
sealed class CutWire : IAsyncDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly int server;
    readonly bool afterAnswer;
    readonly Task accepting;
    int state;

    public CutWire(int server, bool afterAnswer)
    {
        (this.server, this.afterAnswer) = (server, afterAnswer);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public bool WasCut => state == 2;

    public void CutNextCommit() => state = 1;

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = CarryAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    async Task CarryAsync(TcpClient client)
    {
        using var there = new TcpClient();
        using (client)
        {
            await there.ConnectAsync(IPAddress.Loopback, server);
            var answers = false;
            try
            {
                await Task.WhenAny(ForwardAsync(client, there, bytes =>
                {
                    if (state != 1 || bytes.IndexOf("COMMIT"u8) < 0) return true;
                    if (afterAnswer) return answers = true;
                    state = 2;
                    return false;
                }), ForwardAsync(there, client, _ =>
                {
                    if (!answers) return true;
                    state = 2;
                    return false;
                }));
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    delegate bool Passing(ReadOnlySpan<byte> bytes);

    static async Task ForwardAsync(TcpClient from, TcpClient to, Passing passes)
    {
        var buffer = new byte[1 << 16];
        while (await from.GetStream().ReadAsync(buffer) is > 0 and var count && passes(buffer.AsSpan(0, count))) await to.GetStream().WriteAsync(buffer.AsMemory(0, count));
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await accepting;
    }
}
