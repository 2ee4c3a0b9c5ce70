using BatchMl.BigQuery.Client;
using BatchMl.Fakes;
using static BatchMl.BigQuery.Tests.BigQueryFixture;

namespace BatchMl.BigQuery.Tests;

/// <summary>Google's own upload code against the stand-in, with everything that can happen to a piece on its way. Whatever happens, each row is there once, by one job.</summary>
public sealed class ResumableUploadTests
{
    const string Session = "PUT /upload", Start = "POST /upload";

    /// <summary>Rows that make several pieces of 256 KiB.</summary>
    const int Rows = 150_000;

    public static TheoryData<string, int> Mishaps => new()
    {
        { "nothing", 0 },
        { "503 and nothing kept", 1 },
        { "503 with a part kept", 1 },
        { "cut with a part kept", 1 },
        { "cut at the last piece, and its answer lost", 1 },
        { "503 at the start", 1 },
        { "503 four times", 4 },
        { "rate limit at the start", 1 },
        { "rate limit at a piece", 1 },
        { "410", 1 },
        { "404", 1 },
        { "answer of the start lost", 1 },
        { "500 with a page of HTML", 1 },
    };

    [Theory]
    [MemberData(nameof(Mishaps))]
    public async Task Each_row_arrives_once_whatever_happens_on_the_way(string mishap, int faults)
    {
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = 0 });
        var table = await bq.TableAsync();
        var file = bq.Days(1, rows: Rows);
        var pieces = (new FileInfo(file).Length + (256 << 10) - 1) / (256 << 10);
        Assert.InRange(pieces, 3, 100);
        var sessions = 1;
        switch (mishap)
        {
            case "nothing": break;
            case "503 and nothing kept": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 503, After = 1 }); break;
            case "503 with a part kept": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 503, KeepBytes = 100_000, After = 1 }); break;
            case "cut with a part kept": bq.Fake.Faults.Add(new Fault { Match = Session, KeepBytes = 50_000, After = 1 }); break;
            case "cut at the last piece, and its answer lost": bq.Fake.Faults.Add(new Fault { Match = Session, LoseAnswer = true, After = (int)pieces - 1 }); break;
            case "503 at the start": bq.Fake.Faults.Add(new Fault { Match = Start, Status = 503 }); break;
            case "503 four times": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 503, Times = 4 }); break;
            case "rate limit at the start": bq.Fake.Faults.Add(new Fault { Match = Start, Status = 403, Reason = "rateLimitExceeded" }); break;
            case "rate limit at a piece": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 403, Reason = "rateLimitExceeded", After = 1 }); break;
            case "410": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 410, BreakSession = true, After = 1 }); sessions = 2; break;
            case "404": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 404, Reason = "notFound", BreakSession = true, After = 1 }); sessions = 2; break;
            case "answer of the start lost": bq.Fake.Faults.Add(new Fault { Match = Start, LoseAnswer = true }); sessions = 2; break;
            case "500 with a page of HTML": bq.Fake.Faults.Add(new Fault { Match = Session, Status = 500, Body = "<html>oops</html>", After = 1 }); break;
        }

        var run = await bq.Client.Jobs.RunAsync("up", Load(table), file, Cancellation);

        Assert.Equal(0, bq.Fake.Faults.Left);
        Assert.Equal(Rows, run.Job.Statistics!.Load!.OutputRows);
        Assert.Equal(Rows, bq.Count(table));
        Assert.Equal(Rows, (long)bq.Fake.Look("SELECT count(DISTINCT id) FROM \"test-project.ml\".scores")[0][0]!);
        Assert.Equal(["up_a1"], bq.Fake.Jobs.Keys);
        Assert.Equal(sessions, bq.Fake.Requests.Count(r => r.Method == "POST" && r.Path.StartsWith("/upload", StringComparison.Ordinal) && r.Status is 200 or 0));
        Assert.True(bq.Time.Waits.Count >= faults, $"{bq.Time.Waits.Count} waits");
        // The session's start says what comes, and with which id.
        var start = bq.Fake.Requests.First(r => r.Method == "POST" && r.Path.StartsWith("/upload", StringComparison.Ordinal));
        Assert.Equal(("resumable", "application/octet-stream", new FileInfo(file).Length.ToString(System.Globalization.CultureInfo.InvariantCulture)), (start.Query["uploadType"], start.Headers["x-upload-content-type"], start.Headers["x-upload-content-length"]));
        Assert.Equal("up_a1", start.Json!["jobReference"]!["jobId"]!.ToString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Each_row_arrives_once_after_any_number_of_mishaps(int seed)
    {
        var random = new Random(seed);
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = 0, Retries = o.Retries with { Attempts = 20 } });
        var table = await bq.TableAsync();
        var broken = 0;
        for (var left = random.Next(3, 9); left > 0; left--)
        {
            var match = random.Next(4) == 0 ? Start : Session;
            var (keep, after) = (match == Session ? random.Next(1, 256 << 10) : (int?)null, random.Next(4));
            bq.Fake.Faults.Add(random.Next(6) switch
            {
                0 => new Fault { Match = match, Status = 503, After = after },
                1 => new Fault { Match = match, Status = 500, KeepBytes = keep, After = after },
                2 => new Fault { Match = match, KeepBytes = keep, After = after },
                3 => new Fault { Match = match, LoseAnswer = true, After = after },
                4 when match == Session && ++broken <= 3 => new Fault { Match = match, Status = 410, BreakSession = true, After = after },
                _ => new Fault { Match = match, Status = 429, Reason = "rateLimitExceeded", After = after },
            });
        }

        var run = await bq.Client.Jobs.RunAsync("up", Load(table), bq.Days(1, rows: Rows), Cancellation);

        Assert.Equal((long)Rows, run.Job.Statistics!.Load!.OutputRows);
        Assert.Equal((long)Rows, bq.Fake.Look("SELECT count(DISTINCT id) FROM \"test-project.ml\".scores")[0][0]);
        Assert.Equal(Rows, bq.Count(table));
        Assert.Equal(["up_a1"], bq.Fake.Jobs.Keys);
    }

    [Fact]
    public async Task A_quota_that_is_used_up_is_not_tried_again()
    {
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = 0 });
        var table = await bq.TableAsync();
        bq.Fake.Faults.Add(new Fault { Match = Start, Status = 403, Reason = "quotaExceeded", Message = "Quota exceeded" });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("up", Load(table), bq.Days(1), Cancellation));

        Assert.Equal(("quotaExceeded", 403, FailureKind.Permanent), (error.Reason, error.Status, error.Kind));
        Assert.Single(bq.Fake.Requests, r => r.Path.StartsWith("/upload", StringComparison.Ordinal));
        Assert.Empty(bq.Fake.Jobs);
    }

    [Fact]
    public async Task A_session_that_breaks_each_time_is_given_up()
    {
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = 0 });
        var table = await bq.TableAsync();
        bq.Fake.Faults.Add(new Fault { Match = Session, Status = 410, Reason = "gone", BreakSession = true, Times = 100 });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("up", Load(table), bq.Days(1), Cancellation));

        Assert.Equal(410, error.Status);
        Assert.Equal(5, bq.Fake.Requests.Count(r => r.Method == "POST" && r.Path.StartsWith("/upload", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_dataset_that_is_missing_is_said_at_the_start_and_not_tried_again()
    {
        await using var bq = await StartAsync(options: o => o with { ResumableFrom = 0 });
        bq.Fake.Faults.Add(new Fault { Match = Start, Status = 404, Reason = "notFound", Message = "Not found: Dataset test-project:none" });

        var error = await Assert.ThrowsAsync<BigQueryException>(() => bq.Client.Jobs.RunAsync("up", Load(new DatasetReference(Project, "none").Table("t")), bq.Days(1), Cancellation));

        Assert.True(error.IsNotFound);
        Assert.Single(bq.Fake.Requests, r => r.Path.StartsWith("/upload", StringComparison.Ordinal));
    }
}
