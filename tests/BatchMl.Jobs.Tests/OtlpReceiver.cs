using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>A collector of OTLP over HTTP in protobuf (https://github.com/open-telemetry/opentelemetry-proto), as far as the tests look at it.</summary>
sealed class OtlpReceiver : IDisposable
{
    readonly HttpListener listener = new();
    readonly ConcurrentQueue<(string Path, Message Request)> requests = [];

    public OtlpReceiver()
    {
        // A port that is free now; somebody else may take it before we do.
        for (var attempt = 1; ; attempt++)
        {
            Endpoint = $"http://localhost:{Ports.Free()}";
            try
            {
                listener.Prefixes.Clear();
                listener.Prefixes.Add(Endpoint + "/");
                listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 5)
            {
            }
        }
        _ = ListenAsync();
    }

    public string Endpoint { get; private set; }

    async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                requests.Enqueue((context.Request.Url!.AbsolutePath, new Message(body.ToArray())));
                // A connection that this listener closes for being idle, just when it is used again, would lose what is sent.
                context.Response.KeepAlive = false;
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // The end of it.
        }
    }

    public void Dispose() => listener.Close();

    /// <summary>Attributes of the processes that sent anything.</summary>
    public IReadOnlyList<Dictionary<string, string>> Resources => [.. requests.SelectMany(r => r.Request.All(1)).Select(r => Attributes(r.All(1).Single().All(1)))];

    /// <summary>The last value of each time series of a metric: counters since the process began, histograms by their count.</summary>
    public IReadOnlyList<(Dictionary<string, string> Attributes, double Value)> Series(string metric)
    {
        var last = new Dictionary<string, (Dictionary<string, string>, double)>();
        var metrics = Scopes("/v1/metrics").SelectMany(s => s.All(2)).Where(m => m.Text(1) == metric).ToArray();
        // A sum's points have their attributes in field 7 and a double in 4 or an integer in 6; a histogram's have attributes in 9 and the count in 4.
        var sums = metrics.SelectMany(m => m.All(7)).SelectMany(d => d.All(1)).Select(p => (Attributes(p.All(7)), p.Fixed(6) ?? BitConverter.Int64BitsToDouble(p.Fixed(4) ?? 0)));
        var counts = metrics.SelectMany(m => m.All(9)).SelectMany(d => d.All(1)).Select(p => (Attributes(p.All(9)), (double)(p.Fixed(4) ?? 0)));
        foreach (var (attributes, value) in sums.Concat(counts))
        {
            last[string.Join(' ', attributes.OrderBy(a => a.Key).Select(a => $"{a.Key}={a.Value}"))] = (attributes, value);
        }
        return [.. last.Values];
    }

    /// <summary>Spans by name: id, parent's id, attributes.</summary>
    public IReadOnlyList<(string Name, string Id, string Parent, Dictionary<string, string> Attributes)> Spans =>
        [.. Scopes("/v1/traces").SelectMany(s => s.All(2)).Select(s => (s.Text(5), Convert.ToHexString(s.Bytes(2)), Convert.ToHexString(s.Bytes(4)), Attributes(s.All(9))))];

    IEnumerable<Message> Scopes(string path) => requests.Where(r => r.Path == path).SelectMany(r => r.Request.All(1)).SelectMany(r => r.All(2)).Where(s => s.All(1).Single().Text(1) == "BatchMl");

    static Dictionary<string, string> Attributes(IEnumerable<Message> pairs) => pairs.ToDictionary(p => p.Text(1), p => p.All(2).Single().Text(1));

    /// <summary>A protobuf message, field by field (https://protobuf.dev/programming-guides/encoding).</summary>
    sealed class Message
    {
        readonly List<(int Field, long Number, byte[]? Bytes)> fields = [];

        public Message(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var tag = Varint(ref bytes);
                var field = (int)(tag >> 3);
                switch (tag & 7)
                {
                    case 0: fields.Add((field, Varint(ref bytes), null)); break;
                    case 1: fields.Add((field, BinaryPrimitives.ReadInt64LittleEndian(Next(ref bytes, 8)), null)); break;
                    case 2: fields.Add((field, 0, Next(ref bytes, (int)Varint(ref bytes)).ToArray())); break;
                    case 5: fields.Add((field, BinaryPrimitives.ReadInt32LittleEndian(Next(ref bytes, 4)), null)); break;
                    default: throw new FormatException($"Wire type {tag & 7} is no longer in use.");
                }
            }
        }

        public IEnumerable<Message> All(int field) => fields.Where(f => f.Field == field && f.Bytes is not null).Select(f => new Message(f.Bytes));
        public byte[] Bytes(int field) => fields.FirstOrDefault(f => f.Field == field).Bytes ?? [];
        public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));
        public long? Fixed(int field) => fields.Where(f => f.Field == field && f.Bytes is null).Select(f => (long?)f.Number).FirstOrDefault();

        static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> bytes, int count)
        {
            var next = bytes[..count];
            bytes = bytes[count..];
            return next;
        }

        static long Varint(ref ReadOnlySpan<byte> bytes)
        {
            long value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var next = Next(ref bytes, 1)[0];
                value |= (long)(next & 0x7f) << shift;
                if (next < 0x80) return value;
            }
        }
    }
}
