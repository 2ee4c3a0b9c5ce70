using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace BatchMl.Fakes;

/// <summary>BigQuery's addresses. cloud.google.com/bigquery/docs/reference/rest.</summary>
sealed class Endpoints(Warehouse warehouse, Jobs jobs, Uploads uploads, Tokens tokens, FakeBigQueryOptions options)
{
    const string Status = "status", Root = "/bigquery/v2/projects/{p}", Upload = "/upload/bigquery/v2/projects/{p}/jobs";

    public void Map(WebApplication app)
    {
        Add(app, "GET", $"{Root}/datasets", ListDatasets);
        Add(app, "POST", $"{Root}/datasets", call => warehouse.InsertDataset(call.Project, call.Json));
        Add(app, "GET", $"{Root}/datasets/{{d}}", call => warehouse.Dataset(call.Dataset));
        Add(app, "PATCH", $"{Root}/datasets/{{d}}", call => warehouse.PatchDataset(call.Dataset, call.Json, call.IfMatch));
        Add(app, "DELETE", $"{Root}/datasets/{{d}}", call => { warehouse.DeleteDataset(call.Dataset, call.Query("deleteContents") == "true"); return null; });
        Add(app, "GET", $"{Root}/datasets/{{d}}/tables", ListTables);
        Add(app, "POST", $"{Root}/datasets/{{d}}/tables", call => warehouse.Show(warehouse.InsertTable(call.Dataset, call.Json), null));
        Add(app, "GET", $"{Root}/datasets/{{d}}/tables/{{t}}", call => warehouse.Show(warehouse.Table(call.Table.Split().Whole), call.Query("view")));
        Add(app, "PATCH", $"{Root}/datasets/{{d}}/tables/{{t}}", call => { warehouse.PatchTable(call.Table, call.Json, call.IfMatch); return warehouse.Show(warehouse.Table(call.Table), null); });
        Add(app, "DELETE", $"{Root}/datasets/{{d}}/tables/{{t}}", DeleteTable);
        Add(app, "GET", $"{Root}/datasets/{{d}}/tables/{{t}}/data", TableData);
        Add(app, "POST", $"{Root}/jobs", InsertJob);
        Add(app, "GET", $"{Root}/jobs/{{j}}", call => jobs.Poll(jobs.Get(call.Project, call.Route("j"), call.Query("location"))).Show());
        Add(app, "POST", $"{Root}/jobs/{{j}}/cancel", call => new() { ["kind"] = "bigquery#jobCancelResponse", ["job"] = jobs.Cancel(jobs.Get(call.Project, call.Route("j"), call.Query("location"))).Show() });
        Add(app, "POST", $"{Root}/queries", Query);
        Add(app, "GET", $"{Root}/queries/{{j}}", call => Results(call, jobs.Get(call.Project, call.Route("j"), call.Query("location"))));
        Add(app, "POST", Upload, BeginUpload);
        Add(app, "PUT", Upload, PutUpload);
        Add(app, "POST", "/token", Token);
    }

    void Add(WebApplication app, string method, string path, Func<FakeCall, JsonObject?> answer) => app.MapMethods(path, [method], (RequestDelegate)(async context =>
    {
        var call = (FakeCall)context.Items[nameof(FakeCall)]!;
        if (path != "/token") Admit(call);
        await WriteAsync(context, answer(call));
    }));

    /// <summary>Nothing is 204 (unless it was answered otherwise), anything else is JSON.</summary>
    public static async Task WriteAsync(HttpContext context, JsonObject? answer)
    {
        if (answer is null)
        {
            if (!context.Items.ContainsKey(Status)) context.Response.StatusCode = 204;
            return;
        }
        context.Response.ContentType = "application/json; charset=UTF-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer.ToJsonString()));
    }

    void Admit(FakeCall call)
    {
        if (options.RequireToken && !tokens.IsValid(call.Header("Authorization")))
            throw new FakeError(401, call.Header("Authorization") is null ? "required" : "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.");
        // cloud.google.com/bigquery/docs/error-messages, accessDenied: the same for projects that there are not.
        if (options.Projects is { } projects && !projects.Contains(call.Project)) throw new FakeError(403, "accessDenied", $"Access Denied: Project {call.Project}: User does not have bigquery.jobs.create permission in project {call.Project}.");
    }

    JsonObject ListDatasets(FakeCall call) => List(call, "datasets", "bigquery#datasetList", [.. warehouse.Datasets(call.Project).Select(d => Only(d, "kind", "id", "datasetReference", "labels", "location", "friendlyName"))]);

    JsonObject ListTables(FakeCall call)
    {
        warehouse.Dataset(call.Dataset);
        return List(call, "tables", "bigquery#tableList", [.. warehouse.Tables(call.Dataset).Select(t => Only(t.Resource, "kind", "id", "tableReference", "type", "labels", "timePartitioning", "rangePartitioning", "clustering", "creationTime", "expirationTime", "view"))]);
    }

    /// <summary>cloud.google.com/bigquery/docs/paging-results: a token is there while more is.</summary>
    static JsonObject List(FakeCall call, string name, string kind, List<JsonObject> all)
    {
        var (start, size) = (Start(call), call.Number("maxResults") ?? 50);
        var page = new JsonObject { ["kind"] = kind, ["totalItems"] = all.Count };
        if (all.Count > 0) page[name] = new JsonArray([.. all.Skip((int)start).Take(size).Select(x => (JsonNode)x)]);
        if (start + size < all.Count) page["nextPageToken"] = Token(start + size);
        return page;
    }

    JsonObject? DeleteTable(FakeCall call)
    {
        var (name, partition) = call.Table.Split();
        warehouse.Table(name);
        if (partition is null) warehouse.Drop(name);
        else warehouse.DropPartition(name, partition);
        return null;
    }

    JsonObject TableData(FakeCall call)
    {
        var (name, partition) = call.Table.Split();
        var table = warehouse.Table(name);
        // "Views can not be listed": .../rest/v2/tabledata/list.
        if (table.IsView) throw FakeError.Invalid("Cannot list a table of type VIEW.");
        if (partition is not null) (table.Partitioning ?? throw FakeError.Invalid($"Table {name} is not partitioned.")).CheckDecorator(partition);
        var answer = new JsonObject { ["kind"] = "bigquery#tableDataList", ["etag"] = table.Resource.Text("etag") };
        if (table.Fields.Count == 0)
        {
            answer["totalRows"] = "0";
            return answer;
        }
        return Page(call, answer, Selected(table.Fields, call.Query("selectedFields")), $"{table.Sql} WHERE {table.Where(partition)}");
    }

    /// <summary>"selectedFields: subset of fields to return, supports select into sub fields. Example: a,e.d.f": .../rest/v2/tabledata/list. In the table's order.</summary>
    static IReadOnlyList<Field> Selected(IReadOnlyList<Field> fields, string? names)
    {
        if (names is null) return fields;
        if (names.Contains('.', StringComparison.Ordinal)) throw FakeError.Unsupported("selecting fields within records");
        var wanted = names.Split(',');
        if (wanted.FirstOrDefault(w => Conversion.Find(fields, w) is null) is { } missing) throw FakeError.Invalid($"No such field: {missing}");
        return [.. fields.Where(f => wanted.Contains(f.Name, StringComparer.OrdinalIgnoreCase))];
    }

    /// <summary>One page of rows; the rows are left out when there are none, and the token at the end.</summary>
    JsonObject Page(FakeCall call, JsonObject answer, IReadOnlyList<Field> fields, string from)
    {
        var size = Math.Min(call.Number("maxResults") ?? call.Sent.Number("maxResults") ?? options.PageRows, options.PageRows);
        var start = Start(call);
        var total = warehouse.Duck.Number($"SELECT count(*) FROM {from}");
        var rows = warehouse.Duck.Texts($"SELECT {WireRows.Row(fields, call.Microseconds)} FROM {from} ORDER BY rowid LIMIT {size} OFFSET {start}");
        answer["totalRows"] = total.Wire();
        if (rows.Count > 0) answer["rows"] = new JsonArray([.. rows.Select(row => JsonNode.Parse(row))]);
        if (start + rows.Count < total && size > 0) answer["pageToken"] = Token(start + rows.Count);
        return answer;
    }

    JsonObject InsertJob(FakeCall call) => call.Json["configuration"].Flag("dryRun") ? jobs.DryRun(call.Project, call.Json) : jobs.Insert(call.Project, call.Json, null).Show();

    /// <summary>jobs.query: .../rest/v2/jobs/query. A job without a name of the caller's.</summary>
    JsonObject Query(FakeCall call)
    {
        var query = new JsonObject();
        foreach (var name in new[] { "query", "useLegacySql", "defaultDataset", "maximumBytesBilled", "useQueryCache" })
            if (call.Json[name] is { } value) query[name] = value.DeepClone();
        var configuration = new JsonObject { ["query"] = query };
        if (call.Json["labels"] is { } labels) configuration["labels"] = labels.DeepClone();
        var body = new JsonObject { ["jobReference"] = new JsonObject { ["projectId"] = call.Project }, ["configuration"] = configuration };
        if (call.Json.Text("location") is { } location) body["jobReference"]!["location"] = location;
        if (call.Json.Flag("dryRun"))
        {
            var dry = jobs.DryRun(call.Project, body);
            return new() { ["kind"] = "bigquery#queryResponse", ["jobComplete"] = true, ["totalBytesProcessed"] = dry["statistics"]!["totalBytesProcessed"]!.DeepClone(), ["schema"] = dry["statistics"]!["query"]!["schema"]?.DeepClone() };
        }
        var answer = Results(call, jobs.Insert(call.Project, body, null));
        answer["kind"] = "bigquery#queryResponse";
        return answer;
    }

    /// <summary>jobs.getQueryResults: .../rest/v2/jobs/getQueryResults. It waits for the job; a failed one is an error of HTTP ("A failed query surfaces as 4xx").</summary>
    JsonObject Results(FakeCall call, FakeJob job)
    {
        jobs.Finish(job);
        if (job.Error is { } error) throw error;
        if (!job.IsQuery) throw FakeError.Invalid("Cannot retrieve query results for job of another kind.");
        var statistics = job.Statistics["query"]!;
        var answer = new JsonObject
        {
            ["kind"] = "bigquery#getQueryResultsResponse",
            ["jobComplete"] = true,
            ["jobReference"] = new JsonObject { ["projectId"] = job.Project, ["jobId"] = job.Id, ["location"] = job.Location },
            ["totalBytesProcessed"] = statistics["totalBytesProcessed"]!.DeepClone(),
            ["cacheHit"] = false,
            ["schema"] = new JsonObject { ["fields"] = new JsonArray([.. job.Fields.Select(f => (JsonNode)f.Json.DeepClone())]) },
        };
        if (statistics["numDmlAffectedRows"] is { } rows) answer["numDmlAffectedRows"] = rows.DeepClone();
        if (job.Fields.Count > 0) return Page(call, answer, job.Fields, job.ResultSql);
        answer["totalRows"] = "0";
        return answer;
    }

    JsonObject? BeginUpload(FakeCall call)
    {
        if (call.Query("uploadType") == "multipart")
        {
            if (call.Sent is null || call.Media is null) throw FakeError.Invalid("Metadata part and media part expected.");
            jobs.CheckNew(call.Project, call.Json);
            var file = uploads.NewFile();
            File.WriteAllBytes(file, call.Media);
            return jobs.Insert(call.Project, call.Json, file).Show();
        }
        if (call.Query("uploadType") != "resumable") throw FakeError.Invalid("uploadType is neither multipart nor resumable.");
        var id = uploads.Begin(call.Project, call.Json);
        call.Context.Response.Headers.Location = $"{call.Context.Request.Scheme}://{call.Context.Request.Host}{call.Context.Request.Path}?uploadType=resumable&upload_id={id}";
        // "200 OK", empty, with the session's address.
        return Answered(call, 200);
    }

    JsonObject? PutUpload(FakeCall call)
    {
        var session = uploads.Session(call.Query("upload_id") ?? "");
        if (uploads.Put(session, call.Header("Content-Range"), call.Body) is { } job) return job.Show();
        // "308 Resume Incomplete" with what was kept; no Range when nothing was; no Location.
        if (session.Received > 0) call.Context.Response.Headers.Range = $"bytes=0-{session.Received - 1}";
        return Answered(call, 308);
    }

    JsonObject? Token(FakeCall call)
    {
        var form = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(Encoding.UTF8.GetString(call.Body));
        var (status, answer) = tokens.Grant(form["grant_type"], form["assertion"]);
        call.Context.Response.StatusCode = status;
        return answer;
    }

    static JsonObject? Answered(FakeCall call, int status)
    {
        call.Context.Response.StatusCode = status;
        call.Context.Items[Status] = status;
        return null;
    }

    static JsonObject Only(JsonObject resource, params ReadOnlySpan<string> names)
    {
        var part = new JsonObject();
        foreach (var name in names)
            if (resource[name] is { } value) part[name] = value.DeepClone();
        return part;
    }

    static long Start(FakeCall call)
    {
        if (call.Query("pageToken") is { Length: > 0 } token) return long.Parse(token.AsSpan(1), CultureInfo.InvariantCulture);
        return call.Number("startIndex") ?? 0;
    }

    static string Token(long start) => $"p{start.Wire()}";
}
