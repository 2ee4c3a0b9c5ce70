using System.Runtime.CompilerServices;
using System.Text.Json;

namespace BatchMl.BigQuery.Client;

/// <summary>A row as it was sent: every value that is not a list or a record is text, or null.</summary>
/// <param name="cells">The wire's <c>f</c>.</param>
public readonly struct BigQueryRow(JsonElement cells)
{
    /// <summary>How many values it has.</summary>
    public int Count => cells.GetArrayLength();

    /// <summary>A value as sent: text, null, a list of <c>{"v":…}</c>, or a record <c>{"f":…}</c>.</summary>
    public JsonElement this[int column] => cells[column].GetProperty("v");

    /// <summary>A value that is neither list nor record. Timestamps are microseconds since 1970.</summary>
    public string? Text(int column) => this[column].GetString();

    /// <summary>The values of a repeated column, each as sent.</summary>
    public IEnumerable<JsonElement> Items(int column) => this[column].EnumerateArray().Select(item => item.GetProperty("v"));

    /// <summary>The fields of a record.</summary>
    public BigQueryRow Record(int column) => Record(this[column]);

    /// <summary>The fields of a record, e.g. of one among <see cref="Items"/>.</summary>
    public static BigQueryRow Record(JsonElement value) => new(value.GetProperty("f"));
}

/// <summary>The answer of a query.</summary>
/// <param name="Schema">Its columns.</param>
/// <param name="TotalRows">How many rows it has.</param>
/// <param name="Rows">The rows, read page by page while one goes through them, once.</param>
public sealed record BigQueryResult(BigQuerySchema Schema, long TotalRows, IAsyncEnumerable<BigQueryRow> Rows);

/// <summary>Rows of tables and of queries' answers.</summary>
public sealed class BigQueryRows
{
    const string Microseconds = "formatOptions.useInt64Timestamp";

    readonly BigQueryCalls calls;

    internal BigQueryRows(BigQueryCalls calls) => this.calls = calls;

    /// <summary>The rows of a table, or of the one partition that a decorator names, page by page. Their columns are those of the table's schema.</summary>
    /// <param name="table">Which.</param>
    /// <param name="columns">Which columns, in the table's order whatever theirs; null: all.</param>
    /// <param name="pageSize">Rows a page at most; null: 10 MB.</param>
    /// <param name="cancellation">Gives it up.</param>
    public async IAsyncEnumerable<BigQueryRow> ReadAsync(TableReference table, IReadOnlyList<string>? columns = null, int? pageSize = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var path = $"{BigQueryTables.PathOf(table)}/data";
        for (string? token = null; ;)
        {
            var page = await calls.GetAsync<Page>(
                path + BigQueryCalls.Query((Microseconds, "true"), ("maxResults", pageSize?.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("selectedFields", columns is null ? null : string.Join(',', columns)), ("pageToken", token)),
                new($"reading rows of {table}"), cancellation);
            foreach (var row in page.Cells) yield return row;
            if (string.IsNullOrEmpty(token = page.PageToken)) yield break;
        }
    }

    /// <summary>The answer of a query job, which is waited for.</summary>
    /// <param name="job">Which.</param>
    /// <param name="pageSize">Rows a page at most; null: 10 MB.</param>
    /// <param name="cancellation">Gives it up.</param>
    public async Task<BigQueryResult> ReadAsync(JobReference job, int? pageSize = null, CancellationToken cancellation = default)
    {
        Page first;
        // The call itself waits ten seconds for the answer.
        while (!(first = await PageAsync(job, pageSize, null, cancellation)).JobComplete) await calls.Backoff.PollAsync(TimeSpan.FromMilliseconds(500), cancellation);
        return new(first.Schema ?? new([]), first.TotalRows ?? 0, RestAsync(job, pageSize, first, cancellation));
    }

    async IAsyncEnumerable<BigQueryRow> RestAsync(JobReference job, int? pageSize, Page page, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            foreach (var row in page.Cells) yield return row;
            if (string.IsNullOrEmpty(page.PageToken)) yield break;
            page = await PageAsync(job, pageSize, page.PageToken, cancellation);
        }
    }

    Task<Page> PageAsync(JobReference job, int? pageSize, string? token, CancellationToken cancellation) => calls.GetAsync<Page>(
        BigQueryCalls.Path("projects", job.ProjectId, "queries", job.JobId) + BigQueryCalls.Query((Microseconds, "true"), ("location", job.Location), ("maxResults", pageSize?.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("pageToken", token)),
        new($"reading the answer of job {job}", job), cancellation);

    sealed record Page
    {
        public bool JobComplete { get; init; }

        public BigQuerySchema? Schema { get; init; }

        public long? TotalRows { get; init; }

        public string? PageToken { get; init; }

        public IReadOnlyList<Row>? Rows { get; init; }

        public IEnumerable<BigQueryRow> Cells => (Rows ?? []).Select(row => new BigQueryRow(row.F));
    }

    sealed record Row(JsonElement F);
}
