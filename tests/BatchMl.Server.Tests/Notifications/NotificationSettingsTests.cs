namespace BatchMl.Server.Tests.Notifications;

public sealed class NotificationSettingsTests
{
    static IReadOnlyList<string> Problems(params (string Key, string Value)[] settings)
    {
        using var client = new HttpClient();
        return Assert.Throws<DefinitionException>(() => NotificationHarness.Read(client, TimeProvider.System, settings)).Problems;
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once_and_no_secret_is_in_it()
    {
        var problems = Problems(
            ("Notifications:a:Kind", "pigeon"), ("Notifications:b:Url", "https://x.example"), ("Notifications:c:Kind", "webhook"), ("Notifications:c:Url", "ftp://s3cret.example"), ("Notifications:c:Secret", "s3cret"),
            ("Notifications:c:On", "failed, broken"), ("Notifications:c:Uri", "x"), ("Notifications:d:Kind", "slack"), ("Notifications:d:Url", "env:BATCHML_TEST_NOWHERE"), ("Notifications:e:Kind", "email"),
            ("Notifications:e:To", "nobody at home"), ("Notifications:e:SmtpPort", "0"), ("Notifications:e:SmtpPassword", "s3cret"), ("Server:PublicUrl", "here"));
        string[] expected =
        [
            "Notifications:a:Kind is 'pigeon'; expected webhook, slack, email.", "Notifications:b:Kind is not set", "Notifications:c:Uri is not a setting of a webhook channel", "Notifications:c:On has 'broken'; expected some of failed, late,",
            "Notifications:c:Url is not an address", "Notifications:c:Secret is not 24 to 64 bytes in base64", "Notifications:d:Url refers to the environment variable BATCHML_TEST_NOWHERE", "Notifications:e:From is not set",
            "Notifications:e:To is 'nobody at home'", "Notifications:e:SmtpHost is not set", "Notifications:e has SmtpPassword and no SmtpUser", "Notifications:e:SmtpPort is '0'", "Server:PublicUrl is 'here'",
        ];
        Assert.Equal(expected.Length, problems.Count);
        foreach (var text in expected) Assert.Contains(problems, p => p.StartsWith(text, StringComparison.Ordinal));
        Assert.All(problems, p => Assert.DoesNotContain("s3cret", p, StringComparison.Ordinal));
    }

    [Fact]
    public void Secrets_may_be_in_files()
    {
        using var folder = new BatchMl.TestSupport.TestFolder();
        File.WriteAllText(folder.At("secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        using var client = new HttpClient();
        var settings = NotificationHarness.Read(
            client, TimeProvider.System, ("Notifications:ops:Kind", "webhook"), ("Notifications:ops:Url", "https://x.example"), ("Notifications:ops:Secret", $"file:{folder.At("secret")}"));
        Assert.Equal(["ops"], settings.Channels.Keys);
    }
}
