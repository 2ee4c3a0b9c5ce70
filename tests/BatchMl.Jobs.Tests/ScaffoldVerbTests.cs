using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Hosting;
using BatchMl.Parquet;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>What <c>scaffold</c> prints compiles, and is a description of the table that it was printed for.</summary>
public sealed class ScaffoldVerbTests
{
    const string Rows = """"
        SELECT TIMESTAMPTZ '2013-01-01 10:00:00Z' + to_hours(i) AS at, CASE WHEN i > 0 THEN DATE '2013-01-01' END AS day, i::INTEGER AS dep_delay, CASE WHEN i > 1 THEN i END::SMALLINT AS "dep-delay",
          CASE WHEN i > 0 THEN i / 2 END::FLOAT AS wind_gust, 'x' AS class, CASE WHEN i > 0 THEN 'y' END AS clone, i > 0 AS "2nd ""name""", NULL::BIGINT AS "ÉTÉ", [1, 2] AS list, 1.5::DECIMAL(9, 2) AS price FROM range(5) t(i)
        """";

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    static async Task<string> ScaffoldAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync(["scaffold", .. args], Cancel);
        Assert.True(code == 0, error.ToString());
        return output.ToString();
    }

    [Fact]
    public async Task The_code_is_the_one_compiled_here_and_binds_to_the_file()
    {
        using var folder = new TestFolder();
        var path = folder.At("some-rows.parquet");
        Duck.Execute($"COPY ({Rows}) TO '{path}' (FORMAT parquet)");
        var compiled = await File.ReadAllTextAsync(Path.Combine(Shared.RepositoryRoot, "tests", "BatchMl.Jobs.Tests", "Scaffolded.cs"), Cancel);
        Assert.Equal(compiled[(compiled.IndexOf("// scaffold:\n", StringComparison.Ordinal) + "// scaffold:\n".Length)..], await ScaffoldAsync(path));

        var spine = Spine.From(SomeRowsSource.SomeRows).Key(r => new { r.DepDelay, r.DepDelay2, r.Day, r.WindGust, r.Class, r.Clone2, r._2ndName, r.ÉTÉ }).AsOf(r => r.At);
        using var pinned = await new LocalEngine(null).OpenAsync(FeatureQuery.Create(spine, null, null), _ => new ParquetSource(path), new FeatureOptions(DateTimeOffset.UnixEpoch, 1 << 20, 1, 100), Cancel);
        var partition = Assert.Single(await pinned.PartitionsAsync(null, null, Cancel));
        Assert.Equal(5, partition.Rows);
        await foreach (var batch in pinned.ComputeAsync([partition], null, Cancel))
        {
            using (batch) Assert.Equal(3L, Columns.ValueAt(batch.Batch.Column("dep-delay"), 3));
        }
    }

    [Fact]
    public async Task Text_files_have_nulls_where_their_rows_do()
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.At("flights 2013*.csv"), "dep_delay,tail num,on\n1,N1,2013-01-01\n,N2,2013-01-02\n", Cancel);
        var text = await ScaffoldAsync(folder.At("flights 2013*.csv"));
        Assert.Contains("public sealed record Flights2013Row(\n    long? DepDelay,\n    [property: Column(\"tail num\")] string TailNum,\n    DateOnly On);", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.At("w.ndjson"), "{\"temp\": 1.5, \"note\": null}\n{\"temp\": 2.5, \"note\": \"a\"}\n", Cancel);
        text = await ScaffoldAsync(folder.At("w.ndjson"), "--name", "weather");
        Assert.Contains("public sealed record WeatherRow(\n    double Temp,\n    string? Note);", text, StringComparison.Ordinal);
        Assert.Contains("Source.Bind<WeatherRow>(\"weather\")", text, StringComparison.Ordinal);
    }
}
