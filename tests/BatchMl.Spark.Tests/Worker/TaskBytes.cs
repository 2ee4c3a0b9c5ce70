using System.Buffers.Binary;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>What the JVM sends for one task, in the layout of any version. By default that of the golden headers of the protocol's description (C.4), to which a test holds it.</summary>
sealed record TaskBytes
{
    public string Spark { get; init; } = "4.1";
    public string PythonVersion { get; init; } = "x";
    public bool IsBarrier { get; init; }
    public bool HasGpu { get; init; } = true;
    public byte[] Command { get; init; } = "M"u8.ToArray();
    public int EvalType { get; init; } = 207;
    public string? Profiler { get; init; }
    public string? Json { get; init; }

    /// <summary>What the frame's length says beyond its true length (4.3).</summary>
    public int FrameError { get; init; }

    bool IsJson => Spark is "4.2" or "4.3";

    public byte[] Header()
    {
        var bytes = new MemoryStream();
        void Raw(ReadOnlySpan<byte> value) => bytes.Write(value);
        void Flag(bool value) => bytes.WriteByte(value ? (byte)1 : (byte)0);
        void Int(int value) => Raw(BigEndian(value));
        void Text(string value)
        {
            Int(Encoding.UTF8.GetByteCount(value));
            Raw(Encoding.UTF8.GetBytes(value));
        }

        Int(1);
        Text(PythonVersion);
        if (IsJson)
        {
            Text(Json ?? DefaultJson());
        }
        else
        {
            Flag(IsBarrier);
            if (IsBarrier || Spark is "3.5" or "4.0")
            {
                Int(IsBarrier ? 4567 : 0);
                Text(IsBarrier ? new string('a', 64) : "");
            }
            foreach (var number in (int[])[2, 1, 0, 0, 7, 1]) Int(number);
            Int(HasGpu ? 1 : 0);
            if (HasGpu)
            {
                Text("gpu");
                Text("gpu");
                Int(1);
                Text("0");
            }
            Int(1);
            Text("k");
            Text("v");
        }
        Text("/t");
        Int(0);
        Flag(false);
        Int(0);
        Int(EvalType);
        Int(1);
        Text("spark.sql.session.timeZone");
        Text("UTC");
        if (IsJson) Int(0);
        if (Spark is "4.0" or "4.1")
        {
            Flag(Profiler is not null);
            if (Profiler is not null) Text(Profiler);
        }
        Int(1);
        Int(1);
        Int(0);
        if (IsJson) Flag(false);
        Int(1);
        Int(Command.Length);
        Raw(Command);
        if (IsJson || Profiler is not null) Raw(new byte[8]);
        return Spark == "4.3" ? [.. BigEndian(-8), .. BigEndian((int)bytes.Length + FrameError), .. bytes.ToArray()] : bytes.ToArray();
    }

    /// <summary>A whole task: header, rows and the end.</summary>
    public byte[] With(params ReadOnlySpan<byte> rows) => [.. Header(), .. rows, .. BigEndian(-4)];

    public static byte[] BigEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Batches as an Arrow stream in the JVM's shape: one struct of the columns.</summary>
    public static byte[] Rows(Schema columns, params IEnumerable<RecordBatch> batches)
    {
        var type = new StructType(columns.FieldsList);
        var schema = new Schema([new Field("struct", type, nullable: false)], null);
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteStart();
            foreach (var batch in batches)
                writer.WriteRecordBatch(new RecordBatch(schema, [new StructArray(type, batch.Length, Enumerable.Range(0, batch.ColumnCount).Select(batch.Column), ArrowBuffer.Empty, 0)], batch.Length));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    /// <summary>Batches of one column of whole numbers from 0.</summary>
    public static byte[] Numbers(int batches, int rowsEach)
    {
        var schema = new Schema([new Field("n", Int64Type.Default, nullable: false)], null);
        return Rows(schema, Enumerable.Range(0, batches).Select(b =>
            new RecordBatch(schema, [new Int64Array.Builder().AppendRange(Enumerable.Range(b * rowsEach, rowsEach).Select(n => (long)n)).Build()], rowsEach)));
    }

    string DefaultJson() => $$"""{"isBarrier":{{(IsBarrier ? "true" : "false")}},"connInfo":-1,"secret":"s","stageId":2,"partitionId":1,"attemptNumber":0,"taskAttemptId":7,"cpus":1,"""
        + (Spark == "4.3" ? "\"cpuAmount\":\"1\"," : "")
        + $$$"""{{{(HasGpu ? "\"resources\":{\"gpu\":{\"name\":\"gpu\",\"addresses\":[\"0\"]}}" : "\"resources\":{}")}}},"localProperties":{"k":"v"}}""";
}
