using BatchMl.BigQuery.Client;

namespace BatchMl.BigQuery.Tests.Sink;

public sealed class BigQuerySettingsTests
{
    const string Address = "bigquery://my-project/scores/flights";

    static BigQuerySinkOptions Read(params (string Name, string? Value)[] settings) => BigQuerySettings.Read(Address, settings.Select(s => KeyValuePair.Create(s.Name, s.Value)));

    static IReadOnlyList<string> Problems(params (string Name, string? Value)[] settings) => Assert.Throws<DefinitionException>(() => Read(settings)).Problems;

    [Fact]
    public void An_address_alone_will_do()
    {
        var options = Read();
        Assert.Equal((new TableReference("my-project", "scores", "flights"), Address, BigQueryMode.OverwritePartitions, SchemaEvolution.Strict), (options.Table, options.Name, options.Mode, options.SchemaEvolution));
        Assert.Equal("application-default credentials", options.Client.Credentials.ToString());
        Assert.Equal(TimeSpan.FromHours(24), options.KeepStaging);
    }

    [Fact]
    public void All_settings_are_read()
    {
        var options = Read(
            ("Mode", "merge"), ("Keys", "flight, flight_date"), ("BillingProject", "other-project"), ("Location", "EU"), ("Credentials", "file:/run/secrets/key.json"), ("SchemaEvolution", "add"), ("Clustering:0", "carrier"),
            ("Clustering:1", "origin"), ("PartitionExpirationDays", "30"), ("RequirePartitionFilter", "true"), ("Labels:team", "air"), ("MaxBytesBilled", "1000000000"), ("KeepStagingHours", "2"), ("KmsKey", "projects/x"), ("endpoint", "https://bq.example/"),
            ("Staging", "gs://my-bucket/scores/batchml/"), ("StagingEndpoint", "https://storage.example/"));
        Assert.Equal((BigQueryMode.Merge, SchemaEvolution.Add, true, 1_000_000_000L, "projects/x"), (options.Mode, options.SchemaEvolution, options.RequirePartitionFilter, options.MaxBytesBilled, options.KmsKey));
        Assert.Equal((new StorageObject("my-bucket", "scores/batchml"), new Uri("https://storage.example/")), (options.Staging, options.StagingEndpoint));
        Assert.Equal(["flight", "flight_date"], options.Keys);
        Assert.Equal(["carrier", "origin"], options.Clustering);
        Assert.Equal("air", options.Labels["team"]);
        Assert.Equal((TimeSpan.FromDays(30), TimeSpan.FromHours(2)), (options.PartitionExpiration, options.KeepStaging));
        Assert.Equal(("other-project", "EU", new Uri("https://bq.example/")), (options.Client.BillingProject, options.Client.Location, options.Client.Endpoint));
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var problems = Problems(
            ("Mode", "upsert"), ("SchemaEvolution", "loose"), ("KeepStagingHours", "0"), ("MaxBytesBilled", "lots"), ("RequirePartitionFilter", "yes"), ("Credentials", "ya29.secret"), ("Endpoint", "nowhere"), ("BillingProject", "X"), ("Colour", "red"), ("Labels:Team", "Air"),
            ("Staging", "s3://bucket/folder"), ("StagingEndpoint", "http://storage.example/"));
        foreach (var name in new[] { "Staging", "StagingEndpoint", "Mode", "SchemaEvolution", "KeepStagingHours", "MaxBytesBilled", "RequirePartitionFilter", "Credentials", "Endpoint", "BigQuery:Colour", "Labels" }) Assert.Contains(problems, p => p.Contains(name, StringComparison.Ordinal));
        Assert.DoesNotContain(problems, p => p.Contains("ya29", StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_belong_to_merge()
    {
        Assert.Contains("without BigQuery:Keys", Assert.Single(Problems(("Mode", "merge"))), StringComparison.Ordinal);
        Assert.Contains("not 'merge'", Assert.Single(Problems(("Keys", "id"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bigquery://my-project/scores")]
    [InlineData("bigquery://my-project/scores/flights/x")]
    [InlineData("bigquery://P/sco-res/fl$20131001")]
    [InlineData("bigquery:///scores/flights")]
    public void Other_addresses_are_refused(string address) => Assert.Throws<DefinitionException>(() => BigQuerySettings.Read(address, []));

    [Theory]
    [InlineData("adc", "application-default")]
    [InlineData("none", "no credentials")]
    [InlineData("env:BQ_TOKEN", "token of env:BQ_TOKEN")]
    [InlineData("impersonate:writer@my-project.iam.gserviceaccount.com", "writer@my-project.iam.gserviceaccount.com, by application-default credentials")]
    [InlineData("impersonate:writer@my-project.iam.gserviceaccount.com,file:/k.json", "by service account of '/k.json'")]
    public void Credentials_are_references(string setting, string expected) =>
        Assert.Contains(expected, Read(("Credentials", setting), ("Endpoint", "http://127.0.0.1:9050/")).Client.Credentials.ToString(), StringComparison.Ordinal);
}
