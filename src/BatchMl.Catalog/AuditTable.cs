using System.Data;
using System.Globalization;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>
/// Who did what, as a chain: each entry's digest covers that of the one before, and the last one's is kept a second time, so that an entry that was changed, removed or put elsewhere shows. Who may write to the
/// database can make a new chain; then only a digest that was kept elsewhere tells.
/// </summary>
static class AuditTable
{
    const string Select = "SELECT id AS Id, at AS At, actor AS Actor, action AS Action, target AS Target, details AS Details, digest AS Digest FROM audit";

    public static void Record(IDbTransaction t, string actor, string action, string target, string detailsJson, DateTimeOffset at)
    {
        var head = HeadOf(t);
        var row = new Row { Id = head.Id + 1, At = Values.OfTime(at), Actor = Values.OfText(actor)!, Action = action, Target = Values.OfText(target)!, Details = detailsJson };
        var digest = row.DigestAfter(head.Digest);
        t.Connection!.Execute(
            "INSERT INTO audit (id, at, actor, action, target, details, digest) VALUES (@Id, @At, @Actor, @Action, @Target, @Details, @digest)", new { row.Id, row.At, row.Actor, row.Action, row.Target, row.Details, digest }, t);
        t.Connection!.Execute("UPDATE audit_head SET id = @Id, digest = @digest", new { row.Id, digest }, t);
    }

    public static IReadOnlyList<AuditEntry> Latest(IDbTransaction t, int count, long? before) =>
        Rows.Read<Row, AuditEntry>(t, $"{Select} {(before is null ? "" : "WHERE id < @before")} ORDER BY id DESC LIMIT @count", new { count, before }, r => r.Record());

    public static long? FirstBroken(IDbTransaction t)
    {
        var (last, digest, isWhole) = (0L, "", true);
        Rows.ForEach<Row>(t, $"{Select} ORDER BY id", row =>
        {
            isWhole = row.Id == last + 1 && row.Digest == row.DigestAfter(digest);
            if (isWhole) (last, digest) = (row.Id, row.Digest);
            return isWhole;
        });
        var head = HeadOf(t);
        return isWhole && (head.Id, head.Digest) == (last, digest) ? null : last + 1;
    }

    static Head HeadOf(IDbTransaction t) => Rows.Read<Head, Head>(t, "SELECT id AS Id, digest AS Digest FROM audit_head", null, h => h).FirstOrDefault() ?? new Head();

    sealed class Head
    {
        public long Id { get; init; }
        public string Digest { get; init; } = "";
    }

    sealed class Row
    {
        public long Id { get; init; }
        public string At { get; init; } = "";
        public string Actor { get; init; } = "";
        public string Action { get; init; } = "";
        public string Target { get; init; } = "";
        public string Details { get; init; } = "";
        public string Digest { get; init; } = "";

        public string DigestAfter(string previous) => Values.DigestOf(previous, Id.ToString(CultureInfo.InvariantCulture), At, Actor, Action, Target, Details);

        public AuditEntry Record() => new(Id, Values.Time(At), Actor, Action, Target, Details, Digest);
    }
}
