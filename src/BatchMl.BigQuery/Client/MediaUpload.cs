using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google;
using Google.Apis.Upload;
using Google.Apis.Util;

namespace BatchMl.BigQuery.Client;

/// <summary>Asks for a load job and sends its file along: small files in one request, larger ones in pieces that survive cut connections.</summary>
sealed class MediaUpload(BigQueryCalls calls)
{
    /// <summary>Sessions in all: a new one is needed when BigQuery has forgotten or broken one.</summary>
    const int Sessions = 5;

    public Task<BigQueryJob> InsertAsync(BigQueryJob job, string file, Purpose purpose, CancellationToken cancellation) => calls.TryAsync(
        () => new FileInfo(file).Length < calls.Options.ResumableFrom ? MultipartAsync(job, file, cancellation) : ResumableAsync(job, file, cancellation), purpose, cancellation);

    async Task<BigQueryJob> MultipartAsync(BigQueryJob job, string file, CancellationToken cancellation)
    {
        var service = calls.Service;
        // Bytes rather than a stream, so that the same request can be sent again.
        var media = new ByteArrayContent(await File.ReadAllBytesAsync(file, cancellation));
        media.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(service.BaseUri), $"/upload/{service.BasePath}{BigQueryCalls.Path("projects", calls.BillingProject, "jobs")}?uploadType=multipart"))
        {
            Content = new MultipartContent("related") { new StringContent(service.Serializer.Serialize(job), Encoding.UTF8, "application/json"), media },
        };
        using var response = await service.HttpClient.SendAsync(request, cancellation);
        if (response.IsSuccessStatusCode) return await service.DeserializeResponse<BigQueryJob>(response);
        throw new GoogleApiException(service.Name) { Error = await service.DeserializeError(response), HttpStatusCode = response.StatusCode };
    }

    async Task<BigQueryJob> ResumableAsync(BigQueryJob job, string file, CancellationToken cancellation)
    {
        for (var session = 1; ; session++)
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
            var upload = new LoadUpload(calls, job, stream) { ChunkSize = calls.Options.ChunkSize };
            var progress = await upload.UploadAsync(cancellation);
            if (progress.Status == UploadStatus.Completed) return upload.ResponseBody;
            // The session is gone: a new one for the same job, which can not come into being twice. A 404 before there was a session is about project or dataset.
            if (session < Sessions && upload.HasSession && progress.Exception is GoogleApiException { HttpStatusCode: HttpStatusCode.NotFound or HttpStatusCode.Gone })
            {
                await calls.Backoff.WaitAsync(session, null, cancellation);
                continue;
            }
            progress.ThrowOnFailure();
            throw new IOException($"The upload of '{file}' ended without an answer.");
        }
    }

    sealed class LoadUpload : ResumableUpload<BigQueryJob, BigQueryJob>
    {
        public LoadUpload(BigQueryCalls calls, BigQueryJob job, Stream stream) : base(calls.Service, $"/upload/{calls.Service.BasePath}projects/{{projectId}}/jobs", "POST", stream, "application/octet-stream")
        {
            (ProjectId, Body) = (calls.BillingProject, job);
            UploadSessionData += _ => HasSession = true;
        }

        [RequestParameter("projectId", RequestParameterType.Path)]
        public string ProjectId { get; }

        public bool HasSession { get; private set; }
    }
}
