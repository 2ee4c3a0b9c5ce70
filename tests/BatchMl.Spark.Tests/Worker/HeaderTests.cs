using BatchMl.Spark.Worker;

namespace BatchMl.Spark.Tests.Worker;

/// <summary>Which Spark wrote a header, and what is in it.</summary>
public sealed class HeaderTests
{
    const string Jar = "/s/jars/spark-core_2.13-";

    // From the protocol's description, C.4, byte for byte.
    const string Golden35 =
        "00000001000000017800000000000000000000000002000000010000000000000000000000070000000100000001000000036770750000000367707500000001000000013000000001000000016b0000"
        + "000176000000022f74000000000000000000000000cf000000010000001a737061726b2e73716c2e73657373696f6e2e74696d655a6f6e65000000035554430000000100000001000000000000000100"
        + "0000014d";
    const string Golden42 =
        "000000010000000178000000c87b22697342617272696572223a66616c73652c22636f6e6e496e666f223a2d312c22736563726574223a2273222c2273746167654964223a322c22706172746974696f"
        + "6e4964223a312c22617474656d70744e756d626572223a302c227461736b417474656d70744964223a372c2263707573223a312c227265736f7572636573223a7b22677075223a7b226e616d65223a22"
        + "677075222c22616464726573736573223a5b2230225d7d7d2c226c6f63616c50726f70657274696573223a7b226b223a2276227d7d000000022f74000000000000000000000000cf000000010000001a"
        + "737061726b2e73716c2e73657373696f6e2e74696d655a6f6e6500000003555443000000000000000100000001000000000000000001000000014d0000000000000000";
    const string Golden43 =
        "fffffff800000143000000010000000178000000d87b22697342617272696572223a66616c73652c22636f6e6e496e666f223a2d312c22736563726574223a2273222c2273746167654964223a322c22"
        + "706172746974696f6e4964223a312c22617474656d70744e756d626572223a302c227461736b417474656d70744964223a372c2263707573223a312c22637075416d6f756e74223a2231222c22726573"
        + "6f7572636573223a7b22677075223a7b226e616d65223a22677075222c22616464726573736573223a5b2230225d7d7d2c226c6f63616c50726f70657274696573223a7b226b223a2276227d7d000000"
        + "022f74000000000000000000000000cf000000010000001a737061726b2e73716c2e73657373696f6e2e74696d655a6f6e65000000035554430000000000000001000000010000000000000000010000"
        + "00014d0000000000000000";

    public static TheoryData<string> Versions() => ["3.5", "4.0", "4.1", "4.2", "4.3"];

    [Theory, MemberData(nameof(Versions))]
    public void The_tests_own_JVM_writes_the_golden_headers(string spark)
    {
        // 4.0 has the profiling flag after the runner's settings, and 4.1 no port and secret besides.
        var golden40 = Golden35.Replace("0000000355544300000001", "000000035554430000000001", StringComparison.Ordinal);
        var golden = spark switch
        {
            "3.5" => Golden35,
            "4.0" => golden40,
            "4.1" => golden40.Remove("000000010000000178".Length + 2, 16),
            "4.2" => Golden42,
            _ => Golden43,
        };
        Assert.Equal(golden, Convert.ToHexStringLower(new TaskBytes { Spark = spark }.Header()));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Every_layout_is_read_by_its_tag(string spark)
    {
        var header = await ReadAsync(new TaskBytes { Spark = spark, PythonVersion = $"dotnet1/spark{spark}" }, Variables(spark, jar: null));
        AssertGolden(header, spark);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Every_layout_is_read_by_the_jar_when_the_client_tags_nothing(string spark) => AssertGolden(await ReadAsync(new TaskBytes { Spark = spark, PythonVersion = "3.11" }, Variables(spark, Jar + spark + ".4.jar")), spark);

    [Theory, MemberData(nameof(Versions))]
    public async Task Every_layout_is_read_by_its_bytes_when_nothing_says_the_version(string spark) => AssertGolden(await ReadAsync(new TaskBytes { Spark = spark }, Variables(spark, jar: null)), spark);

    [Theory, InlineData("3.5"), InlineData("4.0"), InlineData("4.1")]
    public async Task A_barrier_task_is_told_by_the_environment(string spark) => AssertGolden(await ReadAsync(new TaskBytes { Spark = spark, IsBarrier = true }, Variables(spark, jar: null)), spark);

    [Theory, InlineData("4.0"), InlineData("4.1")]
    public async Task A_profiled_task_has_two_fields_more(string spark) => AssertGolden(await ReadAsync(new TaskBytes { Spark = spark, Profiler = "perf" }, Variables(spark, jar: null)), spark);

    [Fact]
    public async Task A_tag_goes_before_the_jar()
    {
        var header = await ReadAsync(new TaskBytes { Spark = "4.0", PythonVersion = "dotnet1/spark4.0.2" }, Variables("3.5", Jar + "3.5.7.jar"));
        AssertGolden(header, "4.0");
    }

    [Theory]
    [InlineData("4.1", "dotnet1/spark4.3", "4.1", "4.3")]
    [InlineData("4.3", "dotnet1/spark4.1", "4.3", "4.1")]
    [InlineData("3.5", "dotnet1/spark4.1", "3.5", "4.1")]
    [InlineData("4.2", "dotnet1/spark3.5", "4.2", "3.5")]
    [InlineData("4.2", "dotnet1/spark4.3", "4.2", "4.3")]
    public async Task Bytes_that_contradict_the_tag_are_an_error_that_names_both(string written, string tag, string layout, string stated)
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = written, PythonVersion = tag }, []));
        Assert.Contains($"layout of Spark {layout}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"Spark {stated} (by the client's tag", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dotnet1/spark4.4", "4.4")]
    [InlineData("dotnet1/spark5.0", "5.0")]
    [InlineData("dotnet1/spark3.4", "3.4")]
    public async Task A_Spark_that_is_not_known_is_refused_by_name(string tag, string named)
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = "4.3", PythonVersion = tag }, []));
        Assert.Contains($"Spark {named}", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected 3.5 to 4.3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_another_build_is_an_error()
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = "4.3", PythonVersion = "dotnet2/spark4.3" }, []));
        Assert.Contains("different builds", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_frame_is_an_error_that_names_it()
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync([.. TaskBytes.BigEndian(-9), .. new byte[100]], []));
        Assert.Contains("-9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_the_context_come_in_any_order_and_kind_of_connection()
    {
        var json = """{"secret":null,"unknown":[1,{"a":2}],"resources":{"gpu":{"addresses":["0"],"name":"gpu"}},"cpus":1,"taskAttemptId":7,"connInfo":"folder/a.sock","localProperties":{"k":"v"},"partitionId":1,"attemptNumber":0,"isBarrier":false,"stageId":2}""";
        AssertGolden(await ReadAsync(new TaskBytes { Spark = "4.3", Json = json }, []), "4.3");
        AssertGolden(await ReadAsync(new TaskBytes { Spark = "4.2", Json = json.Replace("\"secret\":null,", "", StringComparison.Ordinal) }, []), "4.2");
    }

    [Theory]
    [InlineData("""{"secret":"TOP","stageId":"two"}""", "stageId")]
    [InlineData("""{"secret":"TOP","partitionId":1}""", "stageId")]
    [InlineData("""{"secret":"TOP",""", "not JSON")]
    [InlineData("""{"secret":"TOP","stageId":2,"partitionId":1,"attemptNumber":0,"taskAttemptId":7,"cpus":1,"resources":[],"localProperties":{}}""", "resources")]
    [InlineData("""{"secret":"TOP","stageId":2,"partitionId":1,"attemptNumber":0,"taskAttemptId":7,"cpus":1,"resources":{},"localProperties":{"a":1}}""", "localProperties")]
    public async Task A_wrong_context_is_an_error_that_does_not_repeat_its_secret(string json, string named)
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = "4.3", Json = json }, []));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("TOP", error.ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData(-1), InlineData(-40), InlineData(1), InlineData(40)]
    public async Task A_frame_of_another_length_than_its_fields_is_an_error(int off)
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = "4.3", FrameError = off }.With(new byte[100]), []));
        Assert.Contains("frame", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Other_evaluation_types_are_refused_by_number(string spark)
    {
        var error = await Assert.ThrowsAsync<ProtocolException>(() => ReadAsync(new TaskBytes { Spark = spark, EvalType = 200 }, Variables(spark, jar: null)));
        Assert.Contains("200, expected 207", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_length_that_no_header_has_is_an_error_before_memory_is_taken(string spark)
    {
        var bytes = new TaskBytes { Spark = spark }.Header();
        // The tag's length.
        var at = spark == "4.3" ? 12 : 4;
        TaskBytes.BigEndian(int.MaxValue).CopyTo(bytes, at);
        var before = GC.GetTotalAllocatedBytes();
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(bytes, []));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 32 << 20);
    }

    [Fact]
    public void The_environment_refuses_what_is_not_spoken()
    {
        WorkerEnvironment Read(params (string, string)[] variables) => WorkerEnvironment.Read(["-m", "pyspark.daemon"], variables.ToDictionary(v => v.Item1, v => v.Item2).GetValueOrDefault);
        Assert.Null(Read(("PYTHON_WORKER_FACTORY_SECRET", "s")).Refusal);
        Assert.Contains("unix.domain.socket.enabled=false", Read(("PYTHON_UNIX_DOMAIN_ENABLED", "True")).Refusal, StringComparison.Ordinal);
        Assert.Contains("unified.execution.enabled=false", Read(("PYTHON_WORKER_FACTORY_SECRET", "s"), ("PYTHON_WORKER_UNIFIED_EXECUTION_ENABLED", "YES")).Refusal, StringComparison.Ordinal);
        Assert.Contains("PYTHON_WORKER_FACTORY_SECRET", Read().Refusal, StringComparison.Ordinal);
        Assert.Contains("PYTHON_WORKER_FACTORY_PORT", WorkerEnvironment.Read(["-m", "pyspark.worker"], n => n == "PYTHON_WORKER_FACTORY_SECRET" ? "s" : null).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_Sparks_own_arguments_make_a_worker()
    {
        Assert.True(SparkWorker.IsWorker(["-m", "pyspark.daemon"]));
        Assert.True(SparkWorker.IsWorker(["-m", "pyspark.daemon", "pyspark.worker"]));
        Assert.True(SparkWorker.IsWorker(["-m", "pyspark.worker"]));
        foreach (var args in (string[][])[[], ["run", "flight-delays"], ["-m"], ["-m", "http.server"], ["-VV"], ["-c", "print(1)"]]) Assert.False(SparkWorker.IsWorker(args));
        Assert.True(WorkerEnvironment.IsQuestion(["-VV"], n => n == "SPARK_JOB_ARTIFACT_UUID" ? "u" : null));
    }

    static Dictionary<string, string> Variables(string spark, string? jar)
    {
        var variables = new Dictionary<string, string>();
        if (spark != "3.5") variables["PYTHON_UDF_BATCH_SIZE"] = "100";
        if (spark is "4.1" or "4.2" or "4.3") variables["PYTHON_DAEMON_KILL_WORKER_ON_FLUSH_FAILURE"] = "1";
        if (jar is not null) variables["PYTHONPATH"] = $"/s/python/lib/pyspark.zip:{jar}";
        return variables;
    }

    static Task<TaskHeader?> ReadAsync(TaskBytes task, Dictionary<string, string> variables) => ReadAsync(task.With(new byte[40]), variables);

    static Task<TaskHeader?> ReadAsync(byte[] bytes, Dictionary<string, string> variables) =>
        HeaderReader.ReadAsync(new WireReader(new MemoryStream(bytes)), WorkerEnvironment.Read(["-m", "pyspark.daemon"], variables.GetValueOrDefault), TestContext.Current.CancellationToken);

    static void AssertGolden(TaskHeader? header, string spark)
    {
        Assert.NotNull(header);
        Assert.Equal(Version.Parse(spark), header.Spark);
        var context = header.Context;
        Assert.Equal((2, 1, 0, 7L, 1), (context.StageId, context.PartitionId, context.Attempt, context.TaskAttemptId, context.Cpus));
        Assert.Equal(["0"], context.Resources["gpu"]);
        Assert.Equal("v", context.LocalProperties["k"]);
        Assert.Equal("/t", header.FilesFolder);
        Assert.Equal("M"u8, header.Command.Span);
    }
}
