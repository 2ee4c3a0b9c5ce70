using BatchMl.Operations;
using BatchMl.Runs;
using BatchMl.Server.Board;

namespace BatchMl.Server.Signals;

/// <summary><c>/metrics</c>: what this process counted, and how things stand in the store, whoever did them.</summary>
sealed class Metrics(MeterReadings readings, DatasetBoard datasets, ScheduleBoard schedules, ModelBoard models, DriftBoard drift, PlanBoard plans, IOperations operations, ServerContext context)
{
    static readonly QueuedRunState[] open = [QueuedRunState.Waiting, QueuedRunState.Queued, QueuedRunState.Running];
    static readonly string[] queues = ["train", "score", "monitor"];

    /// <summary>The page.</summary>
    public async Task<string> PageAsync(CancellationToken cancel)
    {
        foreach (var job in context.Application.NamedJobs().Keys)
        {
            foreach (var outcome in new[] { "completed", "failed", "cancelled" }) readings.Expect("batchml_job_runs_total", Label("job_name", job), Label("outcome", outcome));
        }
        foreach (var job in plans.Jobs)
        {
            foreach (var outcome in new[] { "committed", "failed" }) readings.Expect("batchml_partitions_total", Label("job_name", job.Name), Label("outcome", outcome));
            foreach (var family in new[] { "batchml_rows_total", "batchml_dead_letters_total" }) readings.Expect(family, Label("job_name", job.Name));
        }
        var page = new PrometheusPage();
        readings.WriteTo(page);
        await PartitionsAsync(page, cancel);
        await QueuesAsync(page, cancel);
        await SchedulesAsync(page, cancel);
        await SuccessAsync(page, cancel);
        await ModelsAsync(page, cancel);
        return page.ToString();
    }

    async Task PartitionsAsync(PrometheusPage page, CancellationToken cancel)
    {
        var all = await datasets.AllAsync(cancel);
        page.Begin("batchml_dataset_partitions", "gauge", "Partitions of a dataset, by how they stand");
        foreach (var dataset in all)
        {
            foreach (var state in Enum.GetValues<PartitionCondition>()) page.Add(dataset.Count(state), [Label("dataset", dataset.Name), Label("state", Choice.NameOf(state))]);
        }
        page.Begin("batchml_dataset_rows", "gauge", "Rows of a dataset's partitions");
        foreach (var dataset in all) page.Add(dataset.Partitions.Sum(p => p.Rows), [Label("dataset", dataset.Name)]);
        page.Begin("batchml_dataset_dead_letter_rows", "gauge", "Rows of a dataset's partitions that could not be scored");
        foreach (var dataset in all) page.Add(dataset.Partitions.Sum(p => p.DeadLetters), [Label("dataset", dataset.Name)]);
    }

    async Task QueuesAsync(PrometheusPage page, CancellationToken cancel)
    {
        var queued = await operations.QueueAsync(new QueueFilter(open, Limit: 100_000), cancel);
        page.Begin("batchml_queue_runs", "gauge", "Runs that were asked for and are not over, by queue and state");
        foreach (var queue in queues.Union(queued.Select(q => q.Queue)))
        {
            foreach (var state in open) page.Add(queued.Count(q => q.Queue == queue && q.State == state), [Label("queue", queue), Label("state", Words.Of(state))]);
        }
    }

    async Task SchedulesAsync(PrometheusPage page, CancellationToken cancel)
    {
        var all = await schedules.AllAsync(cancel);
        page.Begin("batchml_schedule_lag_seconds", "gauge", "How long the oldest occurrence of a schedule that is not over has been due, in the schedules' time; 0: none is");
        foreach (var schedule in all) page.Add(schedule.LagSeconds, [Label("schedule", schedule.Name)]);
        page.Begin("batchml_schedule_paused", "gauge", "1 if a schedule is paused");
        foreach (var schedule in all) page.Add(schedule.PausedBy is null ? 0 : 1, [Label("schedule", schedule.Name)]);
    }

    async Task SuccessAsync(PrometheusPage page, CancellationToken cancel)
    {
        page.Begin("batchml_last_success_timestamp_seconds", "gauge", "When a job's latest run completed, in seconds since 1970");
        var latest = (await context.Session.Environment.Catalog.RecentRunsAsync(1_000, cancel)).Where(r => r is { State: RunState.Completed, FinishedAt: not null }).GroupBy(r => r.Job);
        foreach (var job in latest.OrderBy(g => g.Key, StringComparer.Ordinal)) page.Add(job.Max(r => r.FinishedAt!.Value).ToUnixTimeMilliseconds() / 1000.0, [Label("job_name", job.Key)]);
    }

    async Task ModelsAsync(PrometheusPage page, CancellationToken cancel)
    {
        page.Begin("batchml_model_info", "gauge", "1 for the version of each model that scores");
        foreach (var model in (await models.AllAsync(cancel)).Where(m => m.IsCurrent)) page.Add(1, [Label("model", model.Model), Label("version", model.Version)]);
        page.Begin("batchml_drift_psi", "gauge", "Population stability index of a column in the latest monitored partition, against the training rows");
        foreach (var judged in await drift.AllAsync(cancel))
        {
            foreach (var column in judged.Columns.Where(c => c.Psi is not null)) page.Add(column.Psi!.Value, [Label("dataset", judged.Watches), Label("feature", column.Column)]);
        }
    }

    static KeyValuePair<string, string> Label(string name, string value) => new(name, value);
}
