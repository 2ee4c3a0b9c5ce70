using System.Data;
using BatchMl.Runs;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Lineage events and how far they were delivered. Ids grow in the order of commits, because a writing transaction holds the catalog alone.</summary>
static class OutboxTable
{
    public static void Add(IDbTransaction t, IReadOnlyList<string> events, DateTimeOffset at)
    {
        foreach (var json in events)
        {
            t.Connection!.Execute("INSERT INTO outbox (id, put_at, event) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM outbox), @at, @json)", new { at = Values.OfTime(at), json }, t);
        }
    }

    public static IReadOnlyList<OutboxEvent> Pending(IDbTransaction t, int count) => Rows.Read<Row, OutboxEvent>(
        t, "SELECT id AS Id, put_at AS PutAt, event AS Event FROM outbox WHERE id > (SELECT COALESCE(MAX(last_id), 0) FROM delivery) ORDER BY id LIMIT @count", new { count },
        r => new OutboxEvent(r.Id, Values.Time(r.PutAt), r.Event));

    public static long Length(IDbTransaction t, string file) => Rows.Value<long?>(t, "SELECT length FROM delivery WHERE file = @file", new { file }) ?? 0;

    public static void Deliver(IDbTransaction t, string file, long lastId, long length) => t.Connection!.Execute(
        """
        INSERT INTO delivery (file, last_id, length) VALUES (@file, @lastId, @length)
        ON CONFLICT (file) DO UPDATE SET last_id = excluded.last_id, length = excluded.length WHERE delivery.last_id < excluded.last_id
        """, new { file, lastId, length }, t);

    sealed class Row
    {
        public long Id { get; init; }
        public string PutAt { get; init; } = "";
        public string Event { get; init; } = "";
    }
}
