using System.Globalization;
using System.Text.Json;
using BatchMl.Hosting;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>
/// The last quarter of 2013 as it would have been lived through: each morning the files of the day before arrive, some of them days late, some to be replaced by corrected ones, and what is due is scored. All 92 days, with every
/// third flight (by its number), and of the time before the last week of September.
/// </summary>
[Collection(nameof(FlightDelaysCollection))]
public sealed class EveryMorningTests(FlightDelaysRun trained) : IDisposable
{
    static readonly DateOnly first = new(2013, 10, 1), end = new(2014, 1, 1);

    // Mornings after the usual one.
    static readonly Dictionary<(string Table, DateOnly Day), int> late = new()
    {
        [("flights", new(2013, 10, 12))] = 2, [("flights", new(2013, 11, 3))] = 1, [("flights", new(2013, 11, 28))] = 3, [("flights", new(2013, 12, 24))] = 1,
        [("weather", new(2013, 10, 20))] = 1, [("weather", new(2013, 11, 2))] = 2, [("weather", new(2013, 12, 5))] = 3,
    };

    // Mornings after its arrival at which a file is replaced by what is right.
    static readonly Dictionary<(string Table, DateOnly Day), int> restated = new()
    {
        [("flights", new(2013, 10, 7))] = 1, [("flights", new(2013, 11, 10))] = 4, [("flights", new(2013, 12, 29))] = 2, [("weather", new(2013, 12, 20))] = 2, [("weather", new(2013, 12, 5))] = 1,
    };

    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Over_92_mornings_restate_ends_as_one_backfill_and_freeze_never_changes_what_was_published()
    {
        WriteFiles();
        foreach (var workspace in new[] { "restate", "freeze", "backfill" }) Workspaces.CopyWithoutScores(trained.Workspace, folder.At(workspace));
        var published = new Dictionary<string, (string Digest, DateOnly Morning)>();
        var redone = 0;
        for (var morning = first.AddDays(1); morning <= end; morning = morning.AddDays(1))
        {
            Arrive(morning);
            string[] due = ["run", "flight-delays/score", "--due", "--now", $"{Text(morning)}T06:00-05:00"];
            var runs = await Task.WhenAll(RunAsync(ChangePolicy.Restate, "restate", due), RunAsync(ChangePolicy.Freeze, "freeze", due));
            redone += Done(runs[0]) - Done(runs[1]);
            var now = await Workspaces.ContentAsync(folder.At("freeze"), "flight-delays/score");
            Assert.All(published, p => Assert.Equal(p.Value.Digest, now[p.Key]));
            foreach (var (day, digest) in now) published.TryAdd(day, (digest, morning));
        }

        Assert.Equal(92, published.Count);
        Assert.All(published, p => Assert.Equal(Arrival("flights", DateOnly.ParseExact(p.Key, "yyyy-MM-dd", CultureInfo.InvariantCulture)), p.Value.Morning));
        var affected = Affected();
        Assert.InRange(affected.Length, 10, 40);
        Assert.True(redone >= affected.Length, $"{redone} were made again");

        var late = await RunAsync(ChangePolicy.Freeze, "freeze", "status", "--late", "flight-delays/score");
        Assert.Equal(affected, late.EnumerateArray().Select(l => l.GetProperty("value").GetString()));
        Assert.All(late.EnumerateArray(), l => Assert.Equal(("inputs changed", "freeze"), (l.GetProperty("changes").GetString(), l.GetProperty("policy").GetString())));
        Assert.Empty((await RunAsync(ChangePolicy.Restate, "restate", "status", "--late", "flight-delays/score")).EnumerateArray());

        Assert.Equal(92, Done(await RunAsync(ChangePolicy.Report, "backfill", "backfill", "flight-delays/score", "--from", Text(first), "--to", Text(end), "--order", "newest")));
        var whole = await Workspaces.ContentAsync(folder.At("backfill"), "flight-delays/score");
        Assert.Equal(whole, await Workspaces.ContentAsync(folder.At("restate"), "flight-delays/score"));
        // What came late did matter, and only to days that are listed.
        var different = published.Where(p => whole[p.Key] != p.Value.Digest).Select(p => p.Key).Order(StringComparer.Ordinal).ToArray();
        Assert.InRange(different.Length, 10, affected.Length);
        Assert.Empty(different.Except(affected));
    }

    static string Text(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    static DateOnly Arrival(string table, DateOnly day) => day.AddDays(1 + late.GetValueOrDefault((table, day)));

    /// <summary>Days that were published before a file came, or was replaced, that they can see: all later ones see a flight, since a plane's latest is looked for without bound; weather is forgotten after six hours.</summary>
    static string[] Affected()
    {
        var changes = late.Keys.Select(f => (f.Table, f.Day, Morning: Arrival(f.Table, f.Day))).Concat(restated.Select(r => (r.Key.Table, r.Key.Day, Morning: Arrival(r.Key.Table, r.Key.Day).AddDays(r.Value)))).ToArray();
        return [.. Days().Where(d => changes.Any(c => Arrival("flights", d) < c.Morning && d >= c.Day && (c.Table == "flights" || d <= c.Day.AddDays(1)))).Select(Text)];
    }

    static IEnumerable<DateOnly> Days()
    {
        for (var day = first; day < end; day = day.AddDays(1)) yield return day;
    }

    /// <summary>A file for each day in <c>right</c>, and of those that are restated a wrong one in <c>wrong</c>: rows are missing, and times are off.</summary>
    void WriteFiles()
    {
        string Table(string table) => $"(SELECT * FROM '{Path.Combine(Workspaces.Data, table + ".parquet")}' WHERE {(table == "flights" ? "flight % 3 = 0" : "true")})";
        foreach (var table in new[] { "flights", "weather" })
        {
            Directory.CreateDirectory(folder.At("right", table));
            var september = Directory.CreateDirectory(folder.At("live", table, "d=2013-09-30")).FullName;
            var day = "make_date(year, month, day)";
            Duck.Execute($"""
                COPY (SELECT *, {day} AS d FROM {Table(table)} WHERE month >= 10 ORDER BY time_hour) TO '{folder.At("right", table)}' (FORMAT parquet, PARTITION_BY (d), OVERWRITE_OR_IGNORE);
                COPY (SELECT * FROM {Table(table)} WHERE month = 9 AND day > 23) TO '{september}/september.parquet' (FORMAT parquet);
                """);
            var wrong = table == "flights" ? "dep_delay + 7 AS dep_delay" : "temp + 3 AS temp";
            foreach (var (_, restatedDay) in restated.Keys.Where(k => k.Table == table))
            {
                Directory.CreateDirectory(folder.At("wrong", table, $"d={Text(restatedDay)}"));
                Duck.Execute($"COPY (SELECT * REPLACE ({wrong}) FROM {Table(table)} WHERE {day} = '{Text(restatedDay)}' AND hour % 5 > 0) TO '{folder.At("wrong", table, $"d={Text(restatedDay)}", "data_0.parquet")}' (FORMAT parquet)");
            }
        }
    }

    /// <summary>Puts the files of a morning to where they are read.</summary>
    void Arrive(DateOnly morning)
    {
        foreach (var table in new[] { "flights", "weather" })
        {
            foreach (var day in Days())
            {
                var (arrival, mended) = (Arrival(table, day), restated.GetValueOrDefault((table, day)));
                // There is no weather of the last day.
                if ((table, day) == ("weather", new DateOnly(2013, 12, 31))) continue;
                var from = arrival == morning ? mended > 0 ? "wrong" : "right" : mended > 0 && arrival.AddDays(mended) == morning ? "right" : null;
                if (from is null) continue;
                Directory.CreateDirectory(folder.At("live", table, $"d={Text(day)}"));
                File.Copy(folder.At(from, table, $"d={Text(day)}", "data_0.parquet"), folder.At("live", table, $"d={Text(day)}", "data_0.parquet"), overwrite: true);
            }
        }
    }

    async Task<JsonElement> RunAsync(ChangePolicy policy, string workspace, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var score = FlightDelays.FlightDelays.Pipeline().Steps.OfType<ScoreJob>().Single();
        var job = new ScoreJob(score.Name, score.Description, score.Query.Spine, score.Query.Service!, score.Model, score.Keep) { From = score.From, Policy = policy };
        string[] all = [.. args, "--json", "--workspace", folder.At(workspace), "--set", $"Sources:flights:Path={folder.At("live", "flights")}", "--set", $"Sources:weather:Path={folder.At("live", "weather")}"];
        var code = await (BatchMlApplication.Create(() => [job]) with { Out = output, Error = error }).RunAsync(all, TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {output}{error}");
        return JsonDocument.Parse(output.ToString()).RootElement;
    }

    static int Done(JsonElement summary) => summary.GetProperty("steps")[0].GetProperty("done").GetInt32();
}
