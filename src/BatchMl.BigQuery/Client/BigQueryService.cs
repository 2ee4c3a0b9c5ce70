using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Apis;
using Google.Apis.Http;
using Google.Apis.Requests;
using Google.Apis.Services;

namespace BatchMl.BigQuery.Client;

/// <summary>BigQuery on Google's transport: addresses, credentials, compression and errors are its.</summary>
sealed class BigQueryService(BaseClientService.Initializer initializer) : BaseClientService(initializer)
{
    public override string Name => "bigquery";

    public override string BasePath => "bigquery/v2/";

    public override string BaseUri => GetEffectiveUri(BaseUriOverride, "https://bigquery.googleapis.com/bigquery/v2/");

    public override IList<string> Features => [];

    public static async Task<BigQueryService> OpenAsync(BigQueryClientOptions options, Backoff backoff, CancellationToken cancellation) =>
        new(await InitializerAsync(options, options.Endpoint, "bigquery/v2/", "https://www.googleapis.com/auth/bigquery", backoff, cancellation));

    /// <summary>How any service of Google's is asked.</summary>
    /// <param name="options">Who asks, and how patiently.</param>
    /// <param name="endpoint">Where it answers; null: where Google has it.</param>
    /// <param name="path">Below the endpoint.</param>
    /// <param name="scope">What calls may do.</param>
    /// <param name="backoff">Waits between tries.</param>
    /// <param name="cancellation">Gives it up.</param>
    public static async Task<Initializer> InitializerAsync(BigQueryClientOptions options, Uri? endpoint, string path, string scope, Backoff backoff, CancellationToken cancellation) => new()
    {
        ApplicationName = "batchml/0.1",
        // The path's last slash matters: without it each address would lose its last part.
        BaseUri = endpoint is not null ? new Uri(endpoint, path).ToString() : null,
        Serializer = new WireJson(),
        DefaultExponentialBackOffPolicy = ExponentialBackOffPolicy.None,
        HttpClientTimeout = options.Timeout,
        HttpClientInitializer = new Both(await options.Credentials.OpenAsync(scope, cancellation), new RetryHandler(backoff)),
    };

    sealed class Both(IConfigurableHttpClientInitializer? first, IConfigurableHttpClientInitializer second) : IConfigurableHttpClientInitializer
    {
        public void Initialize(ConfigurableHttpClient httpClient)
        {
            first?.Initialize(httpClient);
            second.Initialize(httpClient);
        }
    }
}

/// <summary>One call. Its path, with the query string, is complete and escaped.</summary>
sealed class Call<T> : ClientServiceRequest<T>
{
    readonly object? body;

    public Call(IClientService service, HttpMethod method, string path, object? body) : base(service)
    {
        (HttpMethod, RestPath, this.body) = (method.Method, path, body);
        InitParameters();
    }

    public override string MethodName => HttpMethod;

    public override string HttpMethod { get; }

    public override string RestPath { get; }

    protected override object? GetBody() => body;
}

/// <summary>JSON as BigQuery has it: 64-bit integers are strings, names begin small, what is null is not sent.</summary>
sealed class WireJson : ISerializer
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString,
    };

    public string Format => "json";

    public void Serialize(object obj, Stream target) => JsonSerializer.Serialize(target, obj, obj.GetType(), Options);

    public string Serialize(object obj) => JsonSerializer.Serialize(obj, obj.GetType(), Options);

    public T Deserialize<T>(string input) => (T)Deserialize(input, typeof(T));

    public object Deserialize(string input, Type type) => Read(() => JsonSerializer.Deserialize(input, type, Options)!);

    public T Deserialize<T>(Stream input) => Read(() => JsonSerializer.Deserialize<T>(input, Options)!);

    /// <summary>What is no JSON (a proxy's page) is told as Google's library expects it, which then keeps status and text.</summary>
    static T Read<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (JsonException error)
        {
            throw new Newtonsoft.Json.JsonReaderException(error.Message, error);
        }
    }
}
