using System.Net.Sockets;

namespace BatchMl.Spark.Worker;

/// <summary>
/// Whether the other side has closed a connection, though there may be bytes of it still to be read: reading alone would tell only behind them, which a busy function may never reach. Linux knows; elsewhere reading
/// and writing have to find out.
/// </summary>
static class PeerState
{
    const int Tcp = 6, TcpInfo = 11;
    const byte Established = 1;

    internal static bool HasClosed(Socket socket)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            // The first byte of tcp_info is the connection's state.
            Span<byte> info = stackalloc byte[8];
            socket.GetRawSocketOption(Tcp, TcpInfo, info);
            return info[0] != Established;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }
}
