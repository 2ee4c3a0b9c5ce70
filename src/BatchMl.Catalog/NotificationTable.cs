using System.Data;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Notifications and how often they were tried.</summary>
static class NotificationTable
{
    const string Select = """
        SELECT id AS Id, dedup_key AS DedupKey, channel AS Channel, kind AS Kind, subject AS Subject, body AS Body, details AS Details, created_at AS CreatedAt, tries AS Tries, next_try_at AS NextTryAt,
            sent_at AS SentAt, error AS Error
        FROM notification
        """;

    public static bool Add(IDbTransaction t, Notification n) => t.Connection!.Execute(
        """
        INSERT INTO notification (id, sequence, dedup_key, channel, kind, subject, body, details, created_at, tries, next_try_at)
        VALUES (@Id, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM notification), @DedupKey, @Channel, @Kind, @subject, @body, @DetailsJson, @createdAt, 0, @nextTryAt)
        ON CONFLICT DO NOTHING
        """, new
        {
            n.Id, n.DedupKey, n.Channel, n.Kind, subject = Values.OfText(n.Subject), body = Values.OfText(n.Body), n.DetailsJson, createdAt = Values.OfTime(n.CreatedAt),
            nextTryAt = Values.OfTime(n.NextTryAt ?? n.CreatedAt),
        }, t) == 1;

    public static IReadOnlyList<Notification> Take(IDbTransaction t, DateTimeOffset now, DateTimeOffset until, int count)
    {
        var due = Query(t, "WHERE next_try_at <= @now ORDER BY next_try_at, sequence LIMIT @count", new { now = Values.OfTime(now), count });
        foreach (var n in due) t.Connection!.Execute("UPDATE notification SET tries = tries + 1, next_try_at = @until WHERE id = @Id", new { n.Id, until = Values.OfTime(until) }, t);
        return [.. due.Select(n => n with { Tries = n.Tries + 1, NextTryAt = until })];
    }

    // One that was sent stays so, whatever a slower try says.
    public static void Note(IDbTransaction t, string id, DateTimeOffset? sentAt, string? error, DateTimeOffset? nextTryAt) => t.Connection!.Execute(
        "UPDATE notification SET sent_at = @sentAt, error = @error, next_try_at = @nextTryAt WHERE id = @id AND sent_at IS NULL",
        new { id, sentAt = Values.OfTime(sentAt), error = Values.OfText(error), nextTryAt = sentAt is null ? Values.OfTime(nextTryAt) : null }, t);

    public static IReadOnlyList<Notification> Latest(IDbTransaction t, int count) => Query(t, "ORDER BY sequence DESC LIMIT @count", new { count });

    static List<Notification> Query(IDbTransaction t, string where, object? parameters) => Rows.Read<Row, Notification>(t, $"{Select} {where}", parameters, r => r.Record());

    sealed class Row
    {
        public string Id { get; init; } = "";
        public string DedupKey { get; init; } = "";
        public string Channel { get; init; } = "";
        public string Kind { get; init; } = "";
        public string Subject { get; init; } = "";
        public string Body { get; init; } = "";
        public string Details { get; init; } = "";
        public string CreatedAt { get; init; } = "";
        public int Tries { get; init; }
        public string? NextTryAt { get; init; }
        public string? SentAt { get; init; }
        public string? Error { get; init; }

        public Notification Record() => new(Id, DedupKey, Channel, Kind, Subject, Body, Details, Values.Time(CreatedAt))
        {
            Tries = Tries, NextTryAt = Values.TimeOrNull(NextTryAt), SentAt = Values.TimeOrNull(SentAt), Error = Error,
        };
    }
}
