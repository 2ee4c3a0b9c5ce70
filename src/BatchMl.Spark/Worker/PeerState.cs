using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace BatchMl.Spark.Worker;

/// <summary>
/// Whether the JVM has closed a connection whose bytes nobody reads at the moment. Its end then stands behind megabytes that wait in the JVM's half of the connection, so that our half does not know. But both halves are of
/// this machine, which lists them.
/// </summary>
static class PeerState
{
    internal static bool HasClosed(Socket socket)
    {
        try
        {
            var (ours, theirs) = (((IPEndPoint)socket.LocalEndPoint!).Port, ((IPEndPoint)socket.RemoteEndPoint!).Port);
            var half = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
                .FirstOrDefault(c => c.LocalEndPoint.Port == theirs && c.RemoteEndPoint.Port == ours && IPAddress.IsLoopback(c.RemoteEndPoint.Address));
            return half is null || half.State != TcpState.Established;
        }
        catch (NetworkInformationException)
        {
            // A system that does not tell: the function's next batch will.
            return false;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }
}
