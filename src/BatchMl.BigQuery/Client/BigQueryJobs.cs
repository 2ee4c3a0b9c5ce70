using System.Collections.Concurrent;

namespace BatchMl.BigQuery.Client;

/// <summary>What became of a job that was to be done once.</summary>
/// <param name="Job">The job that did it.</param>
/// <param name="Attempt">Its number, from 1: those before it failed.</param>
/// <param name="Adopted">It was asked for before, by this process or another: nothing was done twice.</param>
public sealed record JobRun(BigQueryJob Job, int Attempt, bool Adopted);

/// <summary>Loads, copies and queries.</summary>
public sealed class BigQueryJobs
{
    static readonly TimeSpan firstPoll = TimeSpan.FromMilliseconds(500), longestPoll = TimeSpan.FromSeconds(10);

    readonly BigQueryCalls calls;
    readonly BigQueryDatasets datasets;
    readonly MediaUpload upload;
    readonly ConcurrentDictionary<DatasetReference, string> locations = new();

    internal BigQueryJobs(BigQueryCalls calls, BigQueryDatasets datasets) => (this.calls, this.datasets, upload) = (calls, datasets, new(calls));

    /// <summary>A job's name in the project that is billed.</summary>
    /// <param name="jobId">Its id.</param>
    /// <param name="location">Where; null: that of the options.</param>
    public JobReference Reference(string jobId, string? location = null) => new(calls.BillingProject, jobId, location ?? calls.Options.Location);

    /// <summary>Reads one.</summary>
    public Task<BigQueryJob> GetAsync(JobReference job, CancellationToken cancellation = default) =>
        calls.GetAsync<BigQueryJob>(PathOf(job) + BigQueryCalls.Query(("location", job.Location)), new($"reading job {job}", job), cancellation);

    /// <summary>Reads one; null: there is none, at least there.</summary>
    public async Task<BigQueryJob?> FindAsync(JobReference job, CancellationToken cancellation = default)
    {
        try
        {
            return await GetAsync(job, cancellation);
        }
        catch (BigQueryException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Asks for a job under exactly this name, and does not wait for it.</summary>
    /// <param name="reference">Its name: a second job of the same name is refused (<see cref="BigQueryException.IsDuplicate"/>).</param>
    /// <param name="configuration">What it is to do.</param>
    /// <param name="file">The file of a load that is sent along; null: none.</param>
    /// <param name="cancellation">Gives it up.</param>
    public async Task<BigQueryJob> InsertAsync(JobReference reference, JobConfiguration configuration, string? file = null, CancellationToken cancellation = default)
    {
        BigQueryNames.Check(reference, configuration);
        if (file is not null && !File.Exists(file)) throw new BatchMlException($"The file '{file}' is not there, which job {reference} of BigQuery was to load into {configuration.Destination}. It was removed since it was made: make it again.", FailureKind.Transient);
        var job = new BigQueryJob { JobReference = reference, Configuration = configuration };
        var purpose = new Purpose($"job {reference}{(configuration.Destination is { } table ? $" into {table}" : "")}", reference);
        try
        {
            return file is null
                ? await calls.SendAsync<BigQueryJob>(HttpMethod.Post, BigQueryCalls.Path("projects", reference.ProjectId, "jobs"), job, purpose, null, cancellation)
                : await upload.InsertAsync(job, file, purpose, cancellation);
        }
        catch (BigQueryException error) when (error.IsNotFound)
        {
            throw await ElsewhereAsync(error, reference, configuration, cancellation) ?? error;
        }
    }

    /// <summary>Asks that a job be ended. It may still finish.</summary>
    public Task CancelAsync(JobReference job, CancellationToken cancellation = default) =>
        calls.SendAsync<string>(HttpMethod.Post, PathOf(job) + "/cancel" + BigQueryCalls.Query(("location", job.Location)), null, new($"cancelling job {job}", job), null, cancellation);

    /// <summary>Waits until a job is over, however it ends. Giving up waiting does not end the job.</summary>
    public async Task<BigQueryJob> WaitAsync(JobReference job, CancellationToken cancellation = default)
    {
        var missed = 0;
        for (var wait = firstPoll; ; wait = wait * 1.5 < longestPoll ? wait * 1.5 : longestPoll)
        {
            // A job that has just been asked for may not be found at once.
            if ((missed < 3 ? await FindAsync(job, cancellation) : await GetAsync(job, cancellation)) is not { } found) missed++;
            else if (found.Status is { IsDone: true }) return found;
            await calls.Backoff.PollAsync(wait, cancellation);
        }
    }

    /// <summary>Waits until a job is over, and throws if it failed.</summary>
    public async Task<BigQueryJob> SucceedAsync(JobReference job, CancellationToken cancellation = default) =>
        await WaitAsync(job, cancellation) is var done && done.Status?.ErrorResult is null ? done : throw calls.Errors.OfJob(done);

    /// <summary>What a query would read, without running it.</summary>
    public async Task<JobStatistics> EstimateAsync(QueryConfiguration query, CancellationToken cancellation = default)
    {
        var configuration = new JobConfiguration { DryRun = true, Query = query };
        var location = await LocationOfAsync(configuration, cancellation);
        // Without an id: a dry run makes no job.
        var job = new { jobReference = new { projectId = calls.BillingProject, location }, configuration };
        return (await calls.SendAsync<BigQueryJob>(HttpMethod.Post, BigQueryCalls.Path("projects", calls.BillingProject, "jobs"), job, new("estimating a query"), null, cancellation)).Statistics ?? new();
    }

    /// <summary>
    /// Does something once: asks for the job <c>{id}_a1</c>, or takes over that one if it was asked for before, and waits for it. An id that ended in failure is used up: the next is <c>{id}_a2</c>, and so on. So whoever comes
    /// back after a crash with the same id finds what was done, and loads nothing twice. A job of this call that fails is repeated if its reason may pass, and thrown otherwise; one that failed before this call is repeated whatever its
    /// reason, which may have been put right since.
    /// </summary>
    /// <param name="id">What it is that is done, e.g. run, partition and a digest of the content: the same id must mean the same effect.</param>
    /// <param name="configuration">What the job is to do.</param>
    /// <param name="file">The file of a load that is sent along; null: none.</param>
    /// <param name="cancellation">Gives up waiting: a job that was asked for goes on.</param>
    public async Task<JobRun> RunAsync(string id, JobConfiguration configuration, string? file = null, CancellationToken cancellation = default)
    {
        var location = await LocationOfAsync(configuration, cancellation);
        var failures = 0;
        for (var attempt = 1; ; attempt++)
        {
            var reference = new JobReference(calls.BillingProject, $"{id}_a{attempt}", location);
            BigQueryException error;
            try
            {
                var (job, adopted) = await InsertOrAdoptAsync(reference, configuration, file, cancellation);
                if (job.Status is not { IsDone: true }) job = await WaitAsync(job.JobReference ?? reference, cancellation);
                if (job.Status?.ErrorResult is null) return new(job, attempt, adopted);
                if (adopted) continue;
                error = calls.Errors.OfJob(job);
                if (error.IsNotFound) error = await ElsewhereAsync(error, reference, configuration, cancellation) ?? error;
            }
            // Of an insert: the id may be used up. Anything else that may pass was repeated already, with the same id.
            catch (BigQueryException refused) when (refused is { Reason: "jobBackendError" or "jobInternalError" or "jobRateLimitExceeded", Status: 400 })
            {
                error = refused;
            }
            if (!BigQueryErrors.MayPass(error.Reason) || ++failures >= calls.Options.JobAttempts) throw error;
            await calls.Backoff.WaitAsync(failures, null, cancellation);
        }
    }

    /// <summary>Where a job runs: as the options say, or where its dataset is; null: BigQuery decides.</summary>
    async Task<string?> LocationOfAsync(JobConfiguration configuration, CancellationToken cancellation)
    {
        if (calls.Options.Location is { } location) return location;
        if ((configuration.Destination?.Dataset ?? configuration.Query?.DefaultDataset) is not { } dataset) return null;
        if (locations.TryGetValue(dataset, out var known)) return known;
        return (await datasets.FindAsync(dataset, cancellation))?.Location is { } found ? locations[dataset] = found : null;
    }

    async Task<(BigQueryJob Job, bool Adopted)> InsertOrAdoptAsync(JobReference reference, JobConfiguration configuration, string? file, CancellationToken cancellation)
    {
        try
        {
            return (await InsertAsync(reference, configuration, file, cancellation), false);
        }
        // By an earlier process, or by an earlier try of this very call whose answer was lost.
        catch (BigQueryException error) when (error.IsDuplicate)
        {
            var job = await WaitAsync(reference, cancellation);
            if (job.Configuration.Destination is { } theirs && configuration.Destination is { } ours && (theirs.DatasetId, theirs.TableId) != (ours.DatasetId, ours.TableId))
                throw new BigQueryException($"Job {reference} exists and writes to {theirs}, not to {ours}: its id was made for something else. Give the id of each effect another one.", FailureKind.Bug, error);
            return (job, true);
        }
    }

    /// <summary>Whether what was not found is in another location; null: no, or it can not be told.</summary>
    async Task<BigQueryException?> ElsewhereAsync(BigQueryException error, JobReference reference, JobConfiguration configuration, CancellationToken cancellation)
    {
        if (reference.Location is not { } asked || (configuration.Destination?.Dataset ?? configuration.Query?.DefaultDataset) is not { } dataset) return null;
        try
        {
            return await datasets.FindAsync(dataset, cancellation) is { Location: { } location } found && !location.Equals(asked, StringComparison.OrdinalIgnoreCase) ? BigQueryErrors.Elsewhere(error, found, asked) : null;
        }
        catch (BigQueryException)
        {
            // The first error tells more than that of looking into it.
            return null;
        }
    }

    static string PathOf(JobReference job) => BigQueryCalls.Path("projects", job.ProjectId, "jobs", job.JobId);
}
