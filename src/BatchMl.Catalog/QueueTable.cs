using System.Data;
using BatchMl.Operations;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Queued runs, in the order in which they were asked for. Who has one must name itself as its holder, and the statement itself compares it.</summary>
static class QueueTable
{
    const string Select = """
        SELECT id AS Id, job AS Job, verb AS Verb, request AS Request, target_run_id AS TargetRunId, queue AS Queue, run_group AS RunGroup, group_limit AS GroupLimit, schedule AS Schedule, occurrence AS Occurrence,
            after_id AS AfterId, not_before AS NotBefore, retries AS Retries, time_limit AS TimeLimit, requested_by AS RequestedBy, requested_at AS RequestedAt, state AS State, reason AS Reason, tries AS Tries,
            run_id AS RunId, holder AS Holder, heartbeat AS Heartbeat, cancel_requested AS CancelRequested, started_at AS StartedAt, finished_at AS FinishedAt
        FROM queued_run
        """;
    const string IsOpen = "state IN ('Waiting', 'Queued', 'Running')";

    public static QueuedRun? Enqueue(IDbTransaction t, QueuedRun run, OverlapPolicy overlap)
    {
        if (run.State is not (QueuedRunState.Waiting or QueuedRunState.Queued)) throw new ArgumentException($"A run is enqueued as Waiting or Queued, not as {run.State}.", nameof(run));
        if (Rows.Value<long>(t, "SELECT COUNT(*) FROM queued_run WHERE id = @Id OR schedule = @Schedule AND occurrence = @occurrence", new { run.Id, run.Schedule, occurrence = Values.OfTime(run.Occurrence) }) > 0) return null;
        var others = run.Schedule is null ? [] : Query(t, $"WHERE schedule = @Schedule AND {IsOpen} ORDER BY sequence", new { run.Schedule });
        var added = (others.Count, overlap) switch
        {
            (0, _) => run,
            (_, OverlapPolicy.Skip) => run with { State = QueuedRunState.Skipped, Reason = $"Run {others[0].Id} of the schedule was not over.", FinishedAt = run.RequestedAt },
            _ => run with { State = QueuedRunState.Waiting, Reason = Promotion.AwaitsEarlier(others[^1]) },
        };
        if (overlap == OverlapPolicy.CancelPrevious)
        {
            foreach (var other in others) Cancel(t, other.Id, $"Run {run.Id} of the schedule came after it.", run.RequestedAt);
        }
        Insert(t, added);
        return added;
    }

    static void Insert(IDbTransaction t, QueuedRun run) => t.Connection!.Execute(
        """
        INSERT INTO queued_run (id, sequence, job, verb, request, target_run_id, queue, run_group, group_limit, schedule, occurrence, after_id, not_before, retries, time_limit, requested_by, requested_at,
            state, reason, tries, heartbeat, cancel_requested, finished_at)
        VALUES (@Id, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM queued_run), @Job, @Verb, @RequestJson, @TargetRunId, @Queue, @Group, @GroupLimit, @Schedule, @occurrence, @After, @notBefore, @Retries, @timeLimit,
            @RequestedBy, @requestedAt, @state, @reason, 0, 0, 0, @finishedAt)
        """, new
        {
            run.Id, run.Job, run.Verb, run.RequestJson, run.TargetRunId, run.Queue, run.Group, run.GroupLimit, run.Schedule, occurrence = Values.OfTime(run.Occurrence), run.After,
            notBefore = Values.OfTime(run.NotBefore), run.Retries, timeLimit = run.TimeLimit?.TotalSeconds, run.RequestedBy, requestedAt = Values.OfTime(run.RequestedAt), state = run.State.ToString(),
            reason = Values.OfText(run.Reason), finishedAt = Values.OfTime(run.FinishedAt),
        }, t);

    public static QueuedRun? Find(IDbTransaction t, string id) => Query(t, "WHERE id = @id", new { id }).FirstOrDefault();

    public static IReadOnlyList<QueuedRun> Latest(IDbTransaction t, QueueFilter filter)
    {
        string[] conditions = [.. Conditions()];
        return Query(t, $"{(conditions.Length > 0 ? "WHERE " : "")}{string.Join(" AND ", conditions)} ORDER BY sequence DESC LIMIT @Limit", new { filter.Schedule, filter.Job, filter.Limit });

        IEnumerable<string> Conditions()
        {
            if (filter.States.Count > 0) yield return $"state IN ({string.Join(", ", filter.States.Select(s => $"'{s}'"))})";
            if (filter.Schedule is not null) yield return "schedule = @Schedule";
            if (filter.Job is not null) yield return "job = @Job";
        }
    }

    public static IReadOnlyList<QueuedRun> Promote(IDbTransaction t, DateTimeOffset now)
    {
        var open = Query(t, $"WHERE {IsOpen} ORDER BY sequence", null);
        var awaited = open.Where(r => r.State == QueuedRunState.Waiting && r.After is not null).Select(r => r.After!).Distinct().ToDictionary(id => id, id => Find(t, id));
        var changed = Promotion.Of(open, awaited, now);
        foreach (var run in changed)
        {
            t.Connection!.Execute(
                "UPDATE queued_run SET state = @state, reason = @reason, finished_at = @finishedAt WHERE id = @Id",
                new { run.Id, state = run.State.ToString(), reason = Values.OfText(run.Reason), finishedAt = Values.OfTime(run.FinishedAt) }, t);
        }
        return [.. changed.Where(r => r.State == QueuedRunState.Queued)];
    }

    public static ClaimResult Claim(IDbTransaction t, string id, string holder, DateTimeOffset at)
    {
        if (Find(t, id) is not { State: QueuedRunState.Queued } run) return ClaimResult.NotQueued;
        if (run.Group is not null && Rows.Value<long>(t, "SELECT COUNT(*) FROM queued_run WHERE run_group = @Group AND state = 'Running'", new { run.Group }) >= run.GroupLimit) return ClaimResult.GroupIsFull;
        t.Connection!.Execute(
            "UPDATE queued_run SET state = 'Running', reason = NULL, holder = @holder, heartbeat = heartbeat + 1, tries = tries + 1, run_id = NULL, started_at = @at WHERE id = @id",
            new { id, holder, at = Values.OfTime(at) }, t);
        return ClaimResult.Claimed;
    }

    public static QueueHeartbeat Heartbeat(IDbTransaction t, string id, string holder, string? runId) =>
        t.Connection!.Execute("UPDATE queued_run SET heartbeat = heartbeat + 1, run_id = COALESCE(@runId, run_id) WHERE id = @id AND holder = @holder AND state = 'Running'", new { id, holder, runId }, t) == 1
            ? new QueueHeartbeat(true, Find(t, id)!.IsCancelRequested) : new QueueHeartbeat(false, false);

    public static bool Finish(IDbTransaction t, string id, string holder, QueuedRunState state, string? runId, string? reason, DateTimeOffset at)
    {
        if (state is QueuedRunState.Waiting or QueuedRunState.Queued or QueuedRunState.Running) throw new ArgumentException($"A run does not end as {state}.", nameof(state));
        return t.Connection!.Execute(
            "UPDATE queued_run SET state = @state, holder = NULL, run_id = COALESCE(@runId, run_id), reason = @reason, finished_at = @at WHERE id = @id AND holder = @holder AND state = 'Running'",
            new { id, holder, state = state.ToString(), runId, reason = Values.OfText(reason), at = Values.OfTime(at) }, t) == 1;
    }

    public static bool GiveBack(IDbTransaction t, string id, string holder, long? heartbeat, DateTimeOffset? notBefore, string reason, bool isTry) => t.Connection!.Execute(
        $"UPDATE queued_run SET state = 'Waiting', holder = NULL, not_before = @notBefore, reason = @reason{(isTry ? "" : ", tries = tries - 1")} WHERE id = @id AND holder = @holder AND state = 'Running'{(heartbeat is null ? "" : " AND heartbeat = @heartbeat")}",
        new { id, holder, heartbeat, notBefore = Values.OfTime(notBefore), reason = Values.OfText(reason) }, t) == 1;

    public static bool Cancel(IDbTransaction t, string id, string reason, DateTimeOffset at) => t.Connection!.Execute(
        $"""
        UPDATE queued_run SET cancel_requested = 1, reason = @reason, finished_at = CASE WHEN state = 'Running' THEN NULL ELSE @at END, state = CASE WHEN state = 'Running' THEN 'Running' ELSE 'Cancelled' END
        WHERE id = @id AND {IsOpen}
        """, new { id, reason = Values.OfText(reason), at = Values.OfTime(at) }, t) == 1;

    static List<QueuedRun> Query(IDbTransaction t, string where, object? parameters) => Rows.Read<Row, QueuedRun>(t, $"{Select} {where}", parameters, r => r.Record());

    sealed class Row
    {
        public string Id { get; init; } = "";
        public string Job { get; init; } = "";
        public string Verb { get; init; } = "";
        public string Request { get; init; } = "";
        public string? TargetRunId { get; init; }
        public string Queue { get; init; } = "";
        public string? RunGroup { get; init; }
        public int GroupLimit { get; init; }
        public string? Schedule { get; init; }
        public string? Occurrence { get; init; }
        public string? AfterId { get; init; }
        public string? NotBefore { get; init; }
        public int Retries { get; init; }
        public double? TimeLimit { get; init; }
        public string RequestedBy { get; init; } = "";
        public string RequestedAt { get; init; } = "";
        public string State { get; init; } = "";
        public string? Reason { get; init; }
        public int Tries { get; init; }
        public string? RunId { get; init; }
        public string? Holder { get; init; }
        public long Heartbeat { get; init; }
        public int CancelRequested { get; init; }
        public string? StartedAt { get; init; }
        public string? FinishedAt { get; init; }

        public QueuedRun Record() => new()
        {
            Id = Id, Job = Job, Verb = Verb, RequestJson = Request, TargetRunId = TargetRunId, Queue = Queue, Group = RunGroup, GroupLimit = GroupLimit, Schedule = Schedule, Occurrence = Values.TimeOrNull(Occurrence),
            After = AfterId, NotBefore = Values.TimeOrNull(NotBefore), Retries = Retries, TimeLimit = TimeLimit is { } seconds ? TimeSpan.FromSeconds(seconds) : null, RequestedBy = RequestedBy,
            RequestedAt = Values.Time(RequestedAt), State = Enum.Parse<QueuedRunState>(State), Reason = Reason, Tries = Tries, RunId = RunId, Holder = Holder, Heartbeat = Heartbeat,
            IsCancelRequested = CancelRequested != 0, StartedAt = Values.TimeOrNull(StartedAt), FinishedAt = Values.TimeOrNull(FinishedAt),
        };
    }
}
