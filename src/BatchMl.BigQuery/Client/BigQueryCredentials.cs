using System.Net.Http.Headers;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Http;

namespace BatchMl.BigQuery.Client;

/// <summary>Who asks. What is secret of it is read when it is used, and never printed.</summary>
public abstract class BigQueryCredentials
{
    const string AllScopes = "https://www.googleapis.com/auth/cloud-platform";

    BigQueryCredentials(string text) => Text = text;

    /// <summary>What the machine has: the file that <c>GOOGLE_APPLICATION_CREDENTIALS</c> names, who logged in with <c>gcloud auth application-default login</c>, or the machine's own account.</summary>
    public static BigQueryCredentials ApplicationDefault { get; } = new Default();

    /// <summary>Nobody: only for a stand-in for BigQuery on this machine.</summary>
    public static BigQueryCredentials None { get; } = new Nobody();

    /// <summary>A service account.</summary>
    /// <param name="path">Its key, a JSON file.</param>
    public static BigQueryCredentials ServiceAccount(string path) => new KeyFile(path);

    /// <summary>A service account that others may act as.</summary>
    /// <param name="source">Who acts as it.</param>
    /// <param name="account">Its address, <c>name@project.iam.gserviceaccount.com</c>.</param>
    public static BigQueryCredentials Impersonated(BigQueryCredentials source, string account) => new Actor(source, account);

    /// <summary>A token that somebody else renews.</summary>
    /// <param name="token">Gives it, for each call anew.</param>
    /// <param name="from">Where it is from, for people: <c>env:NAME</c>.</param>
    public static BigQueryCredentials AccessToken(Func<string> token, string from) => new Bearer(token, from);

    /// <summary>What it is, without what is secret.</summary>
    internal string Text { get; }

    internal bool IsNone => this is Nobody;

    /// <summary>What it is, without what is secret.</summary>
    public override string ToString() => Text;

    /// <summary>What logs calls in.</summary>
    /// <param name="scope">What the calls may do, an address of Google's.</param>
    /// <param name="cancellation">Gives it up.</param>
    internal abstract Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation);

    /// <summary>As what another account is acted as.</summary>
    private protected virtual Task<GoogleCredential> GoogleAsync(CancellationToken cancellation) =>
        throw new DefinitionException($"{Text} can not act as another account of BigQuery. Expected application-default credentials or a service account.");

    sealed class Default() : BigQueryCredentials("application-default credentials")
    {
        internal override async Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation) => (await GoogleAsync(cancellation)).CreateScoped(scope);

        private protected override async Task<GoogleCredential> GoogleAsync(CancellationToken cancellation)
        {
            try
            {
                return await GoogleCredential.GetApplicationDefaultAsync(cancellation);
            }
            catch (Exception error) when (error is InvalidOperationException or IOException or Newtonsoft.Json.JsonException)
            {
                // Google's library looks once in a process.
                throw new BigQueryException(
                    $"No credentials for BigQuery were found: {error.Message.ReplaceLineEndings(" ")} Set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account, log in with 'gcloud auth application-default login', or name a key file in the configuration; then start this program again.",
                    FailureKind.Permanent, error);
            }
        }
    }

    sealed class KeyFile(string path) : BigQueryCredentials($"service account of '{path}'")
    {
        internal override async Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation) => (await GoogleAsync(cancellation)).CreateScoped(scope);

        private protected override async Task<GoogleCredential> GoogleAsync(CancellationToken cancellation)
        {
            try
            {
                return (await CredentialFactory.FromFileAsync<ServiceAccountCredential>(path, cancellation)).ToGoogleCredential();
            }
            // Its own message may quote the file, which is secret.
            catch (Exception error) when (error is InvalidOperationException or IOException or UnauthorizedAccessException or Newtonsoft.Json.JsonException or FormatException or ArgumentException)
            {
                throw new BigQueryException($"The file '{path}' could not be read as the key of a service account ({error.GetType().Name}). Expected the JSON file that Google Cloud gives for a service account's key; check the path and who may read it.");
            }
        }
    }

    sealed class Actor(BigQueryCredentials source, string account) : BigQueryCredentials($"{account}, by {source}")
    {
        internal override async Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation) =>
            (await source.GoogleAsync(cancellation)).CreateScoped(AllScopes).Impersonate(new ImpersonatedCredential.Initializer(account) { Scopes = [scope] });
    }

    sealed class Bearer(Func<string> token, string from) : BigQueryCredentials($"token of {from}"), IConfigurableHttpClientInitializer, IHttpExecuteInterceptor
    {
        internal override Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation) => Task.FromResult<IConfigurableHttpClientInitializer?>(this);

        public void Initialize(ConfigurableHttpClient httpClient) => httpClient.MessageHandler.AddExecuteInterceptor(this);

        public Task InterceptAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token());
            return Task.CompletedTask;
        }
    }

    sealed class Nobody() : BigQueryCredentials("no credentials")
    {
        internal override Task<IConfigurableHttpClientInitializer?> OpenAsync(string scope, CancellationToken cancellation) => Task.FromResult<IConfigurableHttpClientInitializer?>(null);
    }
}
