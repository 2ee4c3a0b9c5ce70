using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>What the JVM does on its side of a connection. Reads fail after half a minute, so that a worker that hangs is a failed test.</summary>
sealed class JvmSide : IDisposable
{
    readonly TcpClient client;

    public JvmSide(TcpClient client)
    {
        this.client = client;
        Stream = client.GetStream();
        Stream.ReadTimeout = Stream.WriteTimeout = 30_000;
        Reply = new Reply(Stream);
    }

    public NetworkStream Stream { get; }

    public Reply Reply { get; }

    /// <summary>The handshake with a daemon.</summary>
    /// <returns>The process id that the worker said.</returns>
    public int Authenticate(string secret = InProcessWorker.Secret)
    {
        var process = Reply.Int32();
        SendText(secret);
        Assert.Equal("ok", Reply.Text());
        return process;
    }

    public void Send(ReadOnlySpan<byte> bytes) => Stream.Write(bytes);

    public void SendText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        Stream.Write([.. length, .. bytes]);
    }

    /// <summary>Says that nothing more comes, but goes on listening.</summary>
    public void EndSending() => client.Client.Shutdown(SocketShutdown.Send);

    public void Dispose() => client.Dispose();
}
