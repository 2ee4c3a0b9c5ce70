using System.Data;
using BatchMl.Runs;
using Dapper;

namespace BatchMl.Catalog;

/// <summary>Runs. A run that has ended is immutable: every change asks for the state Running.</summary>
static class RunTable
{
    const string Select = """
        SELECT run_id AS RunId, job AS Job, verb AS Verb, arguments AS Arguments, state AS State, started_at AS StartedAt, finished_at AS FinishedAt, error AS Error, summary AS Summary,
            holder AS Holder, parent_run_id AS ParentRunId
        FROM run
        """;

    public static void Start(IDbTransaction t, RunRecord run) => t.Connection!.Execute(
        """
        INSERT INTO run (run_id, sequence, job, verb, arguments, state, started_at, holder, parent_run_id)
        VALUES (@RunId, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM run), @Job, @Verb, @ArgumentsJson, 'Running', @StartedAt, @Holder, @ParentRunId)
        """, new { run.RunId, run.Job, run.Verb, run.ArgumentsJson, StartedAt = Values.OfTime(run.StartedAt), run.Holder, run.ParentRunId }, t);

    /// <summary>Ends a run; how far it is is of no more interest then.</summary>
    public static bool Finish(IDbTransaction t, string runId, RunState state, string? error, string? summaryJson, DateTimeOffset at)
    {
        var finished = t.Connection!.Execute(
            "UPDATE run SET state = @state, error = @error, summary = @summaryJson, finished_at = @at WHERE run_id = @runId AND state = 'Running'",
            new { runId, state = state.ToString(), error = Values.OfText(error), summaryJson, at = Values.OfTime(at) }, t) == 1;
        if (finished) ProgressTable.Remove(t, runId);
        return finished;
    }

    public static RunRecord? Find(IDbTransaction t, string? runId)
    {
        if (runId is null) return Query(t, "ORDER BY sequence DESC LIMIT 1", null).FirstOrDefault();
        var found = Query(t, "WHERE SUBSTR(run_id, 1, @length) = @runId ORDER BY sequence", new { runId, length = runId.Length });
        if (found.FirstOrDefault(r => r.RunId == runId) is { } exact) return exact;
        return found.Count <= 1 ? found.FirstOrDefault()
            : throw new DefinitionException($"'{runId}' is the begin of {found.Count} run ids: {string.Join(", ", found.Take(5).Select(r => r.RunId))}{(found.Count > 5 ? ", …" : "")}. Give more of it.");
    }

    public static IReadOnlyList<RunRecord> Recent(IDbTransaction t, int count) => Query(t, "ORDER BY sequence DESC LIMIT @count", new { count });

    public static IReadOnlyList<RunRecord> Unfinished(IDbTransaction t) => Query(t, "WHERE state = 'Running' ORDER BY sequence", null);

    static List<RunRecord> Query(IDbTransaction t, string where, object? parameters) => Rows.Read<Row, RunRecord>(t, $"{Select} {where}", parameters, r => r.Record());

    sealed class Row
    {
        public string RunId { get; init; } = "";
        public string Job { get; init; } = "";
        public string Verb { get; init; } = "";
        public string Arguments { get; init; } = "";
        public string State { get; init; } = "";
        public string StartedAt { get; init; } = "";
        public string? FinishedAt { get; init; }
        public string? Error { get; init; }
        public string? Summary { get; init; }
        public string Holder { get; init; } = "";
        public string? ParentRunId { get; init; }

        public RunRecord Record() => new(
            RunId, Job, Verb, Arguments, Enum.Parse<RunState>(State), Values.Time(StartedAt), Values.TimeOrNull(FinishedAt), Error, Summary, Holder, ParentRunId);
    }
}
