using Npgsql;

namespace BatchMl.Catalog.Tests;

public sealed class PostgresAddressTests
{
    static NpgsqlConnectionStringBuilder Read(string text) => new(PostgresAddress.Parse(text).ConnectionString);

    [Fact]
    public void An_address_has_all_its_parts_decoded()
    {
        var read = Read("postgresql://a%40b:p%3A%2F%40%3F%20w;'=@db.example:6432/my%20db?schema=team_1&sslmode=verify-full&connect_timeout=7&application_name=ml");
        Assert.Equal(("a@b", "p:/@? w;'=", "db.example", 6432, "my db"), (read.Username, read.Password, read.Host, read.Port, read.Database));
        Assert.Equal(("team_1", SslMode.VerifyFull, 7, "ml"), (read.SearchPath, read.SslMode, read.Timeout, read.ApplicationName));
    }

    [Fact]
    public void What_is_not_said_has_defaults()
    {
        var read = Read("postgres://db/batchml");
        Assert.Equal(("db", 5432, "batchml", null, null, "batchml"), (read.Host, read.Port, read.Database, read.Username, read.Password, read.SearchPath));
        Assert.Equal(("/var/run/postgresql", "::1"), (Read("postgres://u@%2Fvar%2Frun%2Fpostgresql/d").Host, Read("postgres://u@[::1]:5433/d").Host));
    }

    [Theory]
    [InlineData("postgres://u:s3cret@h")]
    [InlineData("postgres://u:s3cret@h/")]
    [InlineData("postgres://u:s3cret@more@h/d")]
    [InlineData("http://u:s3cret@h/d")]
    public void What_is_no_address_is_refused_without_showing_it(string text)
    {
        var error = Assert.Throws<DefinitionException>(() => PostgresAddress.Parse(text));
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
        Assert.Contains("postgres://", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_wrong_parameters_are_told_at_once()
    {
        var error = Assert.Throws<DefinitionException>(() => PostgresAddress.Parse("postgres://u:s3cret@h:99999/d?schema=Team&sslmode=yes&sslrootcert=/nowhere&connect_timeout=0&pool=3"));
        Assert.Equal(6, error.Problems.Count);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
        Assert.Contains("verify-full", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_text_for_messages_has_no_password() => Assert.Equal("h:5432/d?schema=batchml", PostgresAddress.Parse("postgres://u:s3cret@h/d").ToString());
}
