using System.Net;
using System.Net.Sockets;

namespace BatchMl.TestSupport;

/// <summary>Ports of this machine.</summary>
public static class Ports
{
    /// <summary>One that nobody listens on now; somebody else may before we do.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
