using System.Net;
using Google;
using Google.Apis.Services;
using Google.Apis.Upload;
using Google.Apis.Util;

namespace BatchMl.BigQuery.Client;

/// <summary>An object of Google Cloud Storage.</summary>
/// <param name="Bucket">Its bucket.</param>
/// <param name="Name">Its name, with slashes.</param>
public sealed record StorageObject(string Bucket, string Name)
{
    /// <summary>Its address, <c>gs://bucket/name</c>.</summary>
    public override string ToString() => $"gs://{Bucket}/{Name}";
}

/// <summary>
/// As much of Google Cloud Storage as staging for BigQuery takes: files in, sizes, and away again. Google's own upload code and transport, with the same repeats as BigQuery's. API: cloud.google.com/storage/docs/json_api/v1/objects.
/// </summary>
sealed class CloudStorage : IDisposable
{
    const string ApiPath = "storage/v1/", Scope = "https://www.googleapis.com/auth/devstorage.read_write";

    readonly Service service;
    readonly BigQueryClientOptions options;

    CloudStorage(Service service, BigQueryClientOptions options) => (this.service, this.options) = (service, options);

    /// <summary>Finds the credentials; nothing is asked yet.</summary>
    /// <param name="options">Who asks; not where: BigQuery is elsewhere.</param>
    /// <param name="endpoint">Where it answers; null: Google's own.</param>
    /// <param name="cancellation">Gives it up.</param>
    public static async Task<CloudStorage> OpenAsync(BigQueryClientOptions options, Uri? endpoint, CancellationToken cancellation)
    {
        var backoff = new Backoff(options.Retries, options.Time, options.Seed);
        return new(new Service(await BigQueryService.InitializerAsync(options, endpoint, ApiPath, Scope, backoff, cancellation)), options);
    }

    /// <summary>How many bytes an object has; null: there is none.</summary>
    public async Task<long?> SizeAsync(StorageObject found, CancellationToken cancellation)
    {
        try
        {
            return (await new Call<Metadata>(service, HttpMethod.Get, PathOf(found), null).ExecuteAsync(cancellation)).Size;
        }
        catch (GoogleApiException e) when (e.HttpStatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (Exception e) when (IsRefusal(e, cancellation))
        {
            throw Refused("looking for", found, e);
        }
    }

    /// <summary>Sends a file, in pieces that survive cut connections; an object of that name is replaced.</summary>
    public async Task UploadAsync(string file, StorageObject into, CancellationToken cancellation)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var upload = new Upload(service, into, stream) { ChunkSize = options.ChunkSize };
        var progress = await upload.UploadAsync(cancellation);
        if (progress.Status == UploadStatus.Completed) return;
        cancellation.ThrowIfCancellationRequested();
        throw Refused("writing", into, progress.Exception ?? new IOException("It ended without an answer."));
    }

    /// <summary>Removes an object, if it is there.</summary>
    public async Task RemoveAsync(StorageObject removed, CancellationToken cancellation)
    {
        try
        {
            await new Call<string>(service, HttpMethod.Delete, PathOf(removed), null).ExecuteAsync(cancellation);
        }
        catch (GoogleApiException e) when (e.HttpStatusCode == HttpStatusCode.NotFound)
        {
        }
        catch (Exception e) when (IsRefusal(e, cancellation))
        {
            throw Refused("removing", removed, e);
        }
    }

    static bool IsRefusal(Exception e, CancellationToken cancellation) => e is GoogleApiException or HttpRequestException or IOException || e is OperationCanceledException && !cancellation.IsCancellationRequested;

    BatchMlException Refused(string doing, StorageObject about, Exception error)
    {
        var status = (int?)(error as GoogleApiException)?.HttpStatusCode;
        var said = (error as GoogleApiException)?.Error?.Message ?? error.GetBaseException().Message;
        var kind = status is not { } code || code == 0 || BigQueryErrors.MayPass(code, null) ? FailureKind.Transient : FailureKind.Permanent;
        return new BatchMlException(
            $"Google Cloud Storage failed at {doing} {about}: {said.TrimEnd('.')}.{(status > 0 ? $" (HTTP {status})" : "")} Check that the bucket of BigQuery:Staging exists, is where the dataset is, and that {options.Credentials} may write and remove its objects (Storage Object User).", kind, error);
    }

    static string PathOf(StorageObject o) => BigQueryCalls.Path("b", o.Bucket, "o", o.Name);

    public void Dispose() => service.Dispose();

    sealed record Metadata(long? Size);

    sealed class Service(BaseClientService.Initializer initializer) : BaseClientService(initializer)
    {
        public override string Name => "storage";

        public override string BasePath => ApiPath;

        public override string BaseUri => GetEffectiveUri(BaseUriOverride, $"https://storage.googleapis.com/{ApiPath}");

        public override IList<string> Features => [];
    }

    sealed class Upload(Service service, StorageObject into, Stream stream) : ResumableUpload<object, Metadata>(service, $"/upload/{ApiPath}b/{{bucket}}/o", "POST", stream, "application/octet-stream")
    {
        [RequestParameter("bucket", RequestParameterType.Path)]
        public string Bucket => into.Bucket;

        [RequestParameter("name", RequestParameterType.Query)]
        public string ObjectName => into.Name;
    }
}
