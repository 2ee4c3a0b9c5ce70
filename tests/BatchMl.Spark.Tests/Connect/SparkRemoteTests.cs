using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Tests.Connect;

public sealed class SparkRemoteTests
{
    [Fact]
    public void Host_and_port_are_enough()
    {
        var remote = SparkRemote.Parse("sc://spark.example:1234");
        Assert.Equal(("spark.example", 1234, false, "batchml"), (remote.Host, remote.Port, remote.UseTls, remote.UserId));
        Assert.Equal(15002, SparkRemote.Parse("sc://spark.example/").Port);
        Assert.Equal(("::1", 7), (SparkRemote.Parse("sc://[::1]:7").Host, SparkRemote.Parse("sc://[::1]:7").Port));
    }

    [Fact]
    public void A_token_is_encrypted_on_its_way_to_another_machine()
    {
        Assert.True(SparkRemote.Parse("sc://spark.example/;token=x").UseTls);
        Assert.False(SparkRemote.Parse("sc://localhost/;token=x").UseTls);
        Assert.False(SparkRemote.Parse("sc://127.0.0.1/;token=x").UseTls);
        Assert.True(SparkRemote.Parse("sc://localhost/;use_ssl=true").UseTls);
        Assert.Throws<DefinitionException>(() => SparkRemote.Parse("sc://spark.example/;token=x;use_ssl=false"));
    }

    [Fact]
    public void No_secret_is_shown()
    {
        var text = SparkRemote.Parse("sc://h:1/;token=s3cret;x-key=hidd3n;user_id=ann").ToString();
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("hidd3n", text, StringComparison.Ordinal);
        Assert.Contains("user_id=ann", text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_told_at_once_and_no_token_among_them()
    {
        var error = Assert.Throws<DefinitionException>(() => SparkRemote.Parse("sc://a b:99999/path;use_ssl=perhaps;session_id=7;token=s3;cret;user_id=;x-bin=1;k=1;k=2"));
        Assert.Equal(9, error.Problems.Count);
        Assert.DoesNotContain("cret", error.Message, StringComparison.Ordinal);
        Assert.Contains("use_ssl=perhaps", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_scheme_is_refused() => Assert.Contains("sc://", Assert.Throws<DefinitionException>(() => SparkRemote.Parse("http://h:1")).Message, StringComparison.Ordinal);

    [Fact]
    public void Versions_of_vendors_are_read()
    {
        Assert.Equal((3, 5, true), (SparkVersion.Parse("3.5.1-amzn-1").Major, SparkVersion.Parse("3.5.1-amzn-1").Minor, SparkVersion.Parse("3.5.1-amzn-1").RunsFunctions));
        Assert.False(SparkVersion.Parse("4.10.0").RunsFunctions);
        Assert.Throws<FormatException>(() => SparkVersion.Parse("four"));
    }
}
