using System.Data;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>What is kept of schedules beside their files.</summary>
static class ScheduleTable
{
    public static IReadOnlyDictionary<string, ScheduleState> All(IDbTransaction t) => Rows.Read<Row, ScheduleState>(
        t, "SELECT name AS Name, last_occurrence AS LastOccurrence, paused_by AS PausedBy, paused_at AS PausedAt FROM schedule ORDER BY name", null,
        r => new ScheduleState(r.Name, Values.TimeOrNull(r.LastOccurrence), r.PausedBy, Values.TimeOrNull(r.PausedAt))).ToDictionary(s => s.Name);

    public static void Advance(IDbTransaction t, string name, DateTimeOffset occurrence) => t.Connection!.Execute(
        """
        INSERT INTO schedule (name, last_occurrence) VALUES (@name, @occurrence)
        ON CONFLICT (name) DO UPDATE SET last_occurrence = excluded.last_occurrence WHERE schedule.last_occurrence IS NULL OR schedule.last_occurrence < excluded.last_occurrence
        """, new { name, occurrence = Values.OfTime(occurrence) }, t);

    public static void Pause(IDbTransaction t, string name, string? by, DateTimeOffset at) => t.Connection!.Execute(
        "INSERT INTO schedule (name, paused_by, paused_at) VALUES (@name, @by, @at) ON CONFLICT (name) DO UPDATE SET paused_by = excluded.paused_by, paused_at = excluded.paused_at",
        new { name, by, at = by is null ? null : Values.OfTime(at) }, t);

    sealed class Row
    {
        public string Name { get; init; } = "";
        public string? LastOccurrence { get; init; }
        public string? PausedBy { get; init; }
        public string? PausedAt { get; init; }
    }
}
