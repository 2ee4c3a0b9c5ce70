using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Dispatch;
using BatchMl.Server.Schedules;
using BatchMl.TestSupport;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace BatchMl.Server.Tests.Schedules;

/// <summary>Files of schedules: read, checked, and followed while they change.</summary>
public sealed class ScheduleFilesTests : IDisposable
{
    readonly TestFolder folder = new();
    readonly StringWriter output = new(), error = new();

    public void Dispose() => folder.Dispose();

    void Write(string name, string text) => File.WriteAllText(folder.At(name), text);

    Task<int> CheckAsync(params string[] more) => TestApplication.Of([new TextJob("sales/score"), new TextJob("sales/train")], output, error)
        .RunAsync(["schedules", "check", "--schedules", folder.Path, "--now", "2013-10-01T00:00:00Z", .. more], TestContext.Current.CancellationToken);

    ScheduleBook Book()
    {
        var application = TestApplication.Of([new TextJob("sales/score"), new TextJob("sales/train")], output, error);
        return new ScheduleBook(folder.Path, ScheduleWords.Of(application, application.Configuration(new Dictionary<string, string?>())), new DispatchBell(), NullLoggerFactory.Instance);
    }

    const string Daily = """
        job: sales/score
        cron: 0 6 * * *
        zone: America/New_York
        arguments:
          due: true
          from: "{{ date - 7d }}"
          max_parallel: 2
          order: newest
          partition: [2013-10-01, "{{ date }}"]
          set: { Sources:sales:Path: "/data/{{ date }}" }
        start: 2013-10-01
        misfire: every
        overlap: cancel_previous
        group: gpu0
        limit: 2
        time_limit: 90m
        retries: 3
        late_after: 4h
        notify: []
        enabled: true
        queue: train
        """;

    [Fact]
    public void A_file_says_all_of_a_schedule()
    {
        Write("daily.yaml", Daily);
        var schedule = Book().Runnable.Single();
        Assert.Equal(("daily", "sales/score", "America/New_York", "0 6 * * *", "train"), (schedule.Name, schedule.Job, schedule.Zone.Id, schedule.CronText, schedule.Queue));
        Assert.Equal((MisfirePolicy.Every, OverlapPolicy.CancelPrevious, "gpu0", 2, 3), (schedule.Misfire, schedule.Overlap, schedule.Group, schedule.GroupLimit, schedule.Retries));
        Assert.Equal((TimeSpan.FromMinutes(90), TimeSpan.FromHours(4)), (schedule.TimeLimit, schedule.LateAfter));
        Assert.Equal(new DateTimeOffset(2013, 10, 1, 0, 0, 0, TimeSpan.FromHours(-4)), schedule.Start);
        var occurrence = new DateTimeOffset(2013, 10, 9, 10, 0, 0, TimeSpan.Zero);
        var request = schedule.Arguments.RequestOf(occurrence, schedule.Zone);
        Assert.Equal((occurrence, new DateOnly(2013, 10, 2), 2, PartitionOrder.Newest), (request.Due, request.From, request.MaxParallel, request.Order));
        Assert.Equal(["2013-10-01", "2013-10-09"], request.Partitions);
        Assert.Equal("/data/2013-10-09", request.Settings["Sources:sales:Path"]);
    }

    [Fact]
    public async Task Check_tells_the_next_occurrences_in_the_schedules_zone()
    {
        Write("daily.yaml", Daily);
        Write("then.yaml", "job: sales/train\nafter: daily\nenabled: false\n");
        Assert.Equal(0, await CheckAsync());
        Assert.Equal("""
            daily: sales/score, 0 6 * * * America/New_York
              2013-10-01T06:00:00-04:00
              2013-10-02T06:00:00-04:00
              2013-10-03T06:00:00-04:00
              2013-10-04T06:00:00-04:00
              2013-10-05T06:00:00-04:00
            then: sales/train, after daily, not enabled

            """, output.ToString());
        Assert.Equal(0, await CheckAsync("--json"));
        Assert.Contains("\"2013-10-05T06:00:00-04:00\"", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_that_is_wrong_is_said_at_once_with_file_and_line()
    {
        Write("a.yaml", """
            job: sales/scor
            cron: 61 * * * *
            zone: Europe/Belin
            arguments:
              form: 2013-10-01
              to: "{{ yesterday }}"
              max_parallel: 0.5
            misfire: never
            overlap: maybe
            limit: 2
            time_limit: 2 hours
            retries: -1
            notify: [team]
            enabled: yes
            qeue: train
            queue: gpu
            """);
        Write("b.yaml", "job: sales/score\nafter: d\n");
        Write("c.yaml", "job: sales/score\nafter: e\n");
        Write("e.yaml", "job: sales/score\nafter: c\n");
        Write("f.yaml", "job: sales/score\ncron: 0 6 * * *\njob: sales/train\n");
        Write("g.yaml", "job: [sales\n");
        Write("h.yaml", "");
        Write("i.yaml", "cron: 0 0 30 2 *\narguments:\n  from: 2013-10-02\n  to: 2013-10-01\n");
        Write("j.yaml", "job: sales/score\ncron: 0 6 * * *\narguments:\n  max_parallel: 2\n  engine: spork\n");
        Assert.Equal(2, await CheckAsync());
        var said = error.ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[(l.LastIndexOf('/', l.IndexOf(".yaml", StringComparison.Ordinal)) + 1)..]).ToArray();
        string[] expected =
        [
            "a.yaml:15: 'qeue' is not known; did you mean 'queue'?", "a.yaml:3: 'zone' is 'Europe/Belin', which is no IANA time zone of this machine; did you mean 'Europe/Berlin'?",
            "a.yaml:2: 'cron' is '61 * * * *'; expected 5 fields", "a.yaml:1: 'job' is 'sales/scor', which there is not; did you mean 'sales/score'?",
            "a.yaml:5: 'form' is no option of 'run'; did you mean 'from'?", "a.yaml:6: '{{ yesterday }}' is not known; expected {{ occurrence }}", "a.yaml:8: 'misfire' is 'never'; expected one of one_run, every, skip.",
            "a.yaml:9: 'overlap' is 'maybe'; expected one of skip, queue, cancel_previous.", "a.yaml:11: 'time_limit' is '2 hours'; expected a duration", "a.yaml:12: 'retries' is '-1'; expected a number from 0 to 1000.",
            "a.yaml:13: 'notify' has 'team', which is no channel", "a.yaml:14: 'enabled' is 'yes'; expected true or false.", "a.yaml:10: 'limit' is given without 'group'", "a.yaml:16: 'queue' is 'gpu'; expected one of train, score, monitor.",
            "b.yaml:2: 'after' is 'd', which there is not", "c.yaml:2: 'after' leads back to this schedule: c after e after c.", "e.yaml:2: 'after' leads back to this schedule: e after c after e.",
            "f.yaml:3: a key is there twice", "g.yaml:2: this is not YAML", "h.yaml:1: the file is empty", "i.yaml:1: 'cron' is '0 0 30 2 *', which never comes", "i.yaml:1: 'job' is missing",
            "i.yaml:3: 'arguments': --from 2013-10-02 is not before --to 2013-10-01", "j.yaml:5: 'arguments': --engine: Argument 'spork' not recognized.",
        ];
        Assert.All(expected, e => Assert.Contains(said, s => s.StartsWith(e, StringComparison.Ordinal)));
        Assert.True(expected.Length == said.Length, string.Join('\n', said));
    }

    [Fact]
    public async Task Changed_files_are_taken_up_and_one_that_breaks_leaves_the_last_right_one_running()
    {
        using var stop = new CancellationTokenSource();
        Write("daily.yaml", Daily);
        using var book = Book();
        await book.StartAsync(stop.Token);
        Write("weekly.yaml", "job: sales/train\ncron: 0 4 * * 1\n");
        await UntilAsync(() => book.Runnable.Count == 2);
        Write("daily.yaml", "job: sales/score\ncron: every morning\n");
        // A file may be seen while it is written.
        await UntilAsync(() => book.Entries["daily"].Problems is [var problem] && problem.Contains("daily.yaml:2: 'cron' is 'every morning'", StringComparison.Ordinal));
        Assert.Equal("0 6 * * *", book.Runnable.Single(s => s.Name == "daily").CronText);
        Assert.Equal("job: sales/score\ncron: every morning\n", book.Entries["daily"].Text);
        Write("daily.yaml", "job: sales/score\ncron: 0 7 * * *\n");
        await UntilAsync(() => book.Runnable.Single(s => s.Name == "daily").CronText == "0 7 * * *");
        Assert.Empty(book.Entries["daily"].Problems);
        File.Delete(folder.At("daily.yaml"));
        await UntilAsync(() => book.Entries.Keys.SequenceEqual(["weekly"]));
        // One that was never right does not run.
        Write("new.yaml", "job: sales/scores\ncron: 0 7 * * *\n");
        await UntilAsync(() => book.Entries.ContainsKey("new"));
        Assert.Null(book.Entries["new"].Schedule);
        Assert.Equal(["weekly"], book.Runnable.Select(s => s.Name));
        await stop.CancelAsync();
        await book.StopAsync(CancellationToken.None);
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo()) await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Shipped_schedules_are_named_in_the_readme()
    {
        var readme = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "README.md"));
        foreach (var file in Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, "schedules"), "*.yaml")) Assert.Contains(Path.GetFileName(file), readme, StringComparison.Ordinal);
    }
}
