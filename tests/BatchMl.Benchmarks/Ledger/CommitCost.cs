using System.Globalization;
using BatchMl.Benchmarks.Harness;
using BatchMl.Data;
using Microsoft.Data.Sqlite;

namespace BatchMl.Benchmarks.Ledger;

/// <summary>What ledger, lease and publication cost a partition, against the least that durability asks for.</summary>
sealed class CommitCost : Benchmark
{
    const int Partitions = 1_000;

    public override string Name => "tiny-partitions";

    public override string What => "1,000 partitions of 10 rows, made again; the same files written and fsynced, and their SQLite rows committed, as plainly as can be";

    public override string Target => "at most 2x";

    public override async Task<Outcome> RunAsync(string folder)
    {
        var tiny = new TinyPartitions(folder, Partitions);
        await tiny.TrainAsync();
        await tiny.RunAsync(tiny.Score);
        List<Seconds> ours = [], bare = [];
        for (var round = 0; round < 3; round++)
        {
            ours.Add(await Seconds.OfAsync(() => tiny.RunAsync(tiny.Score, force: true)));
            bare.Add(Seconds.Of(() => WriteBare(tiny.ScoredFolder, Path.Combine(folder, $"bare{round}"))));
        }
        var ratio = ours.Zip(bare, (a, b) => a.Wall / b.Wall).Order().ElementAt(1);
        return new Outcome(Seconds.Median(ours).ToString(), Seconds.Median(bare).ToString(), Paired.Times(ratio), ratio <= 2, string.Create(CultureInfo.InvariantCulture, $"{Seconds.Median(ours).Wall:0.0} ms a partition; the bare writer is one thread, ours runs a unit per core"));
    }

    // Per partition: its folder, its files with an fsync each, an fsync of the folder; one transaction with a ledger row, an attempt and two events, of the sizes that ours have.
    static void WriteBare(string like, string to)
    {
        Directory.CreateDirectory(to);
        using var database = new SqliteConnection($"Data Source={to}/catalog.db;Pooling=false");
        database.Open();
        using (var create = database.CreateCommand())
        {
            create.CommandText = """
                PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
                CREATE TABLE ledger(k TEXT PRIMARY KEY, fence INT, v TEXT); CREATE TABLE attempt(k TEXT, fence INT, v TEXT, PRIMARY KEY(k, fence)); CREATE TABLE outbox(id INTEGER PRIMARY KEY, v TEXT)
                """;
            create.ExecuteNonQuery();
        }
        using var insert = database.CreateCommand();
        insert.CommandText = "INSERT INTO ledger VALUES ($k, 1, $ledger); INSERT INTO attempt VALUES ($k, 1, $attempt); INSERT INTO outbox(v) VALUES ($event); INSERT INTO outbox(v) VALUES ($event)";
        insert.Parameters.Add("$k", SqliteType.Text);
        insert.Parameters.AddWithValue("$ledger", new string('x', 900));
        insert.Parameters.AddWithValue("$attempt", new string('x', 500));
        insert.Parameters.AddWithValue("$event", new string('x', 2_500));
        foreach (var folder in Directory.GetDirectories(like, "day=*"))
        {
            var target = Path.Combine(to, Path.GetFileName(folder));
            Directory.CreateDirectory(target);
            foreach (var file in Directory.GetFiles(folder)) DurableFiles.Write(Path.Combine(target, Path.GetFileName(file)), File.ReadAllBytes(file));
            DurableFiles.FsyncFolder(target);
            using var transaction = database.BeginTransaction();
            insert.Transaction = transaction;
            insert.Parameters[0].Value = target;
            insert.ExecuteNonQuery();
            transaction.Commit();
        }
        DurableFiles.FsyncFolder(to);
    }
}
