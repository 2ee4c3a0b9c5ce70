using System.Text.Json;
using BatchMl.Data;
using BatchMl.Lineage;
using BatchMl.Runs;
using BatchMl.TestSupport;

namespace BatchMl.Catalog.Tests;

/// <summary>
/// Hundreds of damaged catalogs: refused, or a committed version is the one that was committed. SQLite has no checksums of pages, so that rows can get lost (their partitions are made again) and texts for people can change.
/// <c>BATCHML_SOAK=1</c>: forty times as many.
/// </summary>
public sealed class DamagedCatalogTests : IDisposable
{
    static readonly DateTimeOffset at = new(2024, 1, 2, 3, 4, 5, TimeSpan.Zero);
    static readonly int damages = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 16_000 : 400;

    readonly TestFolder folder = new();

    string File => folder.At("catalog.db");

    public void Dispose() => folder.Dispose();

    static PartitionKey Key(int day) => new("parquet", "scores", "day", $"2013-10-{day:D2}");

    async Task<Dictionary<PartitionKey, string>> MakeAsync()
    {
        await using var catalog = new SqliteCatalog(File);
        await catalog.StartRunAsync(new RunRecord("r1", "j", "run", "{}", RunState.Running, at, null, null, null, "h", null), ["{}"], default);
        for (var day = 1; day <= 25; day++)
        {
            var line = new LineageRun($"a{day}", "j", "r1", "j", "r1", "j", at, at.AddDays(1), "day");
            var lease = (await catalog.TryLeaseAsync(new NewAttempt(Key(day), "r1", $"a{day}", "h", line, 15, 0), null, 0, ["{}"], at, default))!;
            if (day > 20) continue;
            var staged = new StagedPartition(Key(day), lease.Fence, "_staging/1", [new StagedFile(FileKind.Data, $"part-{day}", 10 * day, 100 + day, new string('a', 64))], 10 * day, 0, $"digest{day}", "[]");
            Assert.True(await catalog.StageAsync(lease, staged, default));
            Assert.True(await catalog.CommitAsync(lease, new CommittedVersion(staged, new Fingerprint("d", "m", $"i{day}", "1.1"), "r1", at), ["{}"], default));
            await catalog.MarkPublishedAsync(Key(day), lease.Fence, at, default);
        }
        return (await catalog.LedgerAsync("parquet", "scores", default)).ToDictionary(e => e.Key, e => JsonSerializer.Serialize(e.Committed));
    }

    [Fact]
    public void A_damaged_catalog_is_refused_or_what_it_says_is_committed_was() => OwnProcess.Run(TimeSpan.FromMinutes(10), () => DamageAsync().GetAwaiter().GetResult());

    async Task DamageAsync()
    {
        var expected = await MakeAsync();
        var content = await System.IO.File.ReadAllBytesAsync(File);
        var random = new Random(20130105);
        var (refused, found, lost) = (0, 0, 0);
        for (var i = 0; i < damages; i++)
        {
            foreach (var left in Directory.GetFiles(folder.Path)) System.IO.File.Delete(left);
            await System.IO.File.WriteAllBytesAsync(File, Corruption.Of(content, random));
            try
            {
                await using var catalog = new SqliteCatalog(File, TimeSpan.FromSeconds(1));
                var entries = await catalog.LedgerAsync("parquet", "scores", default);
                foreach (var entry in entries.Where(e => e.Committed is not null))
                {
                    Assert.Equal(expected[entry.Key], JsonSerializer.Serialize(entry.Committed));
                    found++;
                }
                lost += 20 - entries.Count(e => e.Committed is not null);
                await catalog.RecentRunsAsync(10, default);
                await catalog.AttemptsAsync("r1", default);
                await catalog.UnpublishedAsync(default);
                await catalog.PendingAsync(1000, default);
                await catalog.EntryAsync(Key(3), default);
                await catalog.StartRunAsync(new RunRecord("r2", "j", "run", "{}", RunState.Running, at, null, null, null, "h", null), ["{}"], default);
            }
            catch (BatchMlException e)
            {
                Assert.Contains("catalog", e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.True(refused > damages / 5 && found > damages && lost < found / 20, $"{refused} refused of {damages}, {found} versions found, {lost} lost");
    }
}
