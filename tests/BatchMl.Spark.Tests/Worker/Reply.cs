using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Apache.Arrow.Ipc;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>Reads what a worker says, section by section, as lines of text that two workers share when they say the same. Arrow's own reader does the decoding.</summary>
sealed class Reply(Stream stream)
{
    /// <summary>The epoch milliseconds and the duration of the last task; what they are differs from run to run.</summary>
    public long[] Times { get; private set; } = [];

    public int Int32()
    {
        var bytes = new byte[4];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }

    public string Text()
    {
        var bytes = new byte[Int32()];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    public bool IsAtEnd => stream.ReadByte() < 0;

    /// <summary>One task's answer: up to the agreement on reuse, or an error.</summary>
    public List<string> Task(bool hasProcessingTime)
    {
        var said = new List<string>();
        while (true)
        {
            var code = Int32();
            switch (code)
            {
                case -6:
                    said.Add("stream");
                    ReadStream(said);
                    break;
                case -2:
                    said.Add($"error {Text()}");
                    return said;
                case -3:
                    Times = [.. Enumerable.Range(0, hasProcessingTime ? 6 : 5).Select(_ => Int64())];
                    said.Add($"times, spilled {Times[^2]} {Times[^1]}");
                    break;
                case -1:
                    said.Add($"accumulators {Int32()}");
                    said.Add($"end {Int32()}");
                    return said;
                default:
                    throw new InvalidDataException($"The worker said {code} after: {string.Join(" | ", said)}");
            }
        }
    }

    long Int64()
    {
        var bytes = new byte[8];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    void ReadStream(List<string> said)
    {
        // Not disposed before its batches are read, and stopped at the first null: another read would eat what follows.
        using var reader = new ArrowStreamReader(stream, leaveOpen: true);
        said.AddRange(reader.Schema.FieldsList.Select(f => $"column {ArrowText.Of(f)}"));
        while (reader.ReadNextRecordBatch() is { } batch)
            for (var row = 0; row < batch.Length; row++) said.Add(string.Create(CultureInfo.InvariantCulture, $"row {ArrowText.Of(batch.Column(0), row)}"));
    }
}
