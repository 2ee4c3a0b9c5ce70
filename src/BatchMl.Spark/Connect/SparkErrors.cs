using System.Text;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;

namespace BatchMl.Spark.Connect;

/// <summary>What a failed call says about itself: gRPC's status, and what Spark packs into its trailers.</summary>
sealed class SparkErrors
{
    const string DetailsTrailer = "grpc-status-details-bin";

    // May pass by themselves: another attempt makes a new session and a new operation.
    static readonly string[] passing = ["INVALID_HANDLE.SESSION_", "INVALID_HANDLE.OPERATION_ABANDONED", "INVALID_HANDLE.OPERATION_NOT_FOUND", "INVALID_CURSOR.", "ExecutorLostFailure", "FetchFailed", "worker exited unexpectedly"];

    readonly RpcException error;
    readonly RetryInfo? retry;

    SparkErrors(RpcException error, ErrorInfo? info, RetryInfo? retry) => (this.error, Info, this.retry) = (error, info, retry);

    /// <summary>Spark's own part; null: the error is not Spark's.</summary>
    public ErrorInfo? Info { get; }

    /// <summary>By which the whole error can be fetched once, from 4.0 on.</summary>
    public string? Id => Metadata("errorId");

    /// <summary>Whether the same call may succeed when it is made again.</summary>
    public bool IsRetriable => error.StatusCode == StatusCode.Unavailable || retry is not null || Says("INVALID_CURSOR.DISCONNECTED");

    /// <summary>How long the server asks to wait at least.</summary>
    public TimeSpan AtLeast => retry?.RetryDelay?.ToTimeSpan() ?? TimeSpan.Zero;

    public static SparkErrors Of(RpcException error)
    {
        if (error.Trailers.Get(DetailsTrailer) is not { IsBinary: true } trailer) return new(error, null, null);
        try
        {
            var details = Google.Rpc.Status.Parser.ParseFrom(trailer.ValueBytes).Details;
            return new(error, details.FirstOrDefault(d => d.Is(ErrorInfo.Descriptor))?.Unpack<ErrorInfo>(), details.FirstOrDefault(d => d.Is(RetryInfo.Descriptor))?.Unpack<RetryInfo>());
        }
        catch (InvalidProtocolBufferException)
        {
            // What came in between garbled the trailer: status and message are still there.
            return new(error, null, null);
        }
    }

    /// <summary>Whether the server's message names a condition.</summary>
    public bool Says(string condition) => error.Status.Detail.Contains(condition, StringComparison.Ordinal) || (Metadata("errorClass")?.StartsWith(condition, StringComparison.Ordinal) ?? false);

    /// <summary>The error for whoever called.</summary>
    /// <param name="remote">Where.</param>
    /// <param name="details">The whole error; null: only what came with the status.</param>
    public SparkException ToException(SparkRemote remote, Proto.FetchErrorDetailsResponse? details)
    {
        var where = $"{remote.Host}:{remote.Port}";
        switch (error.StatusCode)
        {
            case StatusCode.Unauthenticated or StatusCode.PermissionDenied:
                return new SparkException($"Spark at {where} refused the {(remote.Token is null ? "connection without a token" : "token")}: {error.Status.Detail}. Expected the secret that the server was started with (its spark.connect.authenticate.token): give it as ';token=…' in the remote.", inner: error);
            case StatusCode.Unavailable:
                return new SparkException($"No Spark Connect server could be reached at {where}: {error.Status.Detail}. Start one there, or correct the remote ({remote}).", FailureKind.Transient, error);
            case StatusCode.Unimplemented when Info is null:
                return new SparkException($"What answers at {where} is no Spark Connect server of 3.5 or newer: {error.Status.Detail}. Correct the remote ({remote}).", inner: error);
        }
        var chain = Chain(details);
        var said = chain.Count > 0 ? chain[0].Message : error.Status.Detail is { Length: > 0 } detail ? detail : $"nothing but the status {error.StatusCode}; its log may tell more.";
        var throwable = chain.Select(c => c.SparkThrowable).FirstOrDefault(t => t?.HasErrorClass ?? false);
        var worker = chain.Select(c => c.Message).Append(error.Status.Detail).Select(WorkerError.Find).FirstOrDefault(w => w is not null);
        return new SparkException(worker is null ? $"Spark at {where} says: {said}" : $"{worker.Message} ({worker.Type} in a worker of Spark at {where})", worker?.Kind ?? Kind(), error)
        {
            ErrorClass = throwable?.ErrorClass ?? Metadata("errorClass"),
            SqlState = throwable is { HasSqlState: true } ? throwable.SqlState : Metadata("sqlState"),
            JavaClass = chain.Count > 0 && chain[0].ErrorTypeHierarchy.Count > 0 ? chain[0].ErrorTypeHierarchy[0] : Info?.Reason,
            JavaStack = chain.Count > 0 ? Stack(chain) : Info is null ? null : Metadata("stackTrace") ?? $"{Info.Reason}: {error.Status.Detail}",
            WorkerType = worker?.Type,
        };
    }

    string? Metadata(string key) => Info is not null && Info.Metadata.TryGetValue(key, out var value) ? value : null;

    FailureKind Kind() => error.StatusCode switch
    {
        StatusCode.Aborted or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted => FailureKind.Transient,
        _ => retry is not null || passing.Any(Says) ? FailureKind.Transient : FailureKind.Permanent,
    };

    /// <summary>The error and its causes.</summary>
    static List<Proto.FetchErrorDetailsResponse.Types.Error> Chain(Proto.FetchErrorDetailsResponse? details)
    {
        var chain = new List<Proto.FetchErrorDetailsResponse.Types.Error>();
        // As long as the list at most: a cause that points back must not be followed for ever.
        for (int? at = details is { HasRootErrorIdx: true } ? details.RootErrorIdx : null; at is { } i && i >= 0 && i < details!.Errors.Count && chain.Count < details.Errors.Count;)
        {
            chain.Add(details.Errors[i]);
            at = details.Errors[i].HasCauseIdx ? details.Errors[i].CauseIdx : null;
        }
        return chain;
    }

    static string Stack(List<Proto.FetchErrorDetailsResponse.Types.Error> chain)
    {
        var text = new StringBuilder();
        foreach (var part in chain)
        {
            text.Append(text.Length == 0 ? "" : "Caused by: ").Append(part.ErrorTypeHierarchy.FirstOrDefault() ?? "error").Append(": ").AppendLine(part.Message);
            foreach (var frame in part.StackTrace)
                text.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"    at {frame.DeclaringClass}.{frame.MethodName}({(frame.HasFileName ? frame.FileName : "unknown")}:{frame.LineNumber})");
        }
        return text.ToString();
    }
}
