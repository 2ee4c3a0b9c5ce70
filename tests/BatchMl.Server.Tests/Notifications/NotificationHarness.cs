using System.Diagnostics;
using System.Globalization;
using BatchMl.Catalog;
using BatchMl.Operations;
using BatchMl.Server.Notifications;
using BatchMl.TestSupport;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Server.Tests.Notifications;

/// <summary>Notifier and sender over a real store, and a clock that goes as fast as the test wants.</summary>
sealed class NotificationHarness : IAsyncDisposable
{
    readonly TestFolder folder = new();
    readonly NotificationSender sender;
    readonly HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    public NotificationHarness(params (string Key, string Value)[] settings)
    {
        Operations = new SqliteOperations(folder.At("catalog.db"));
        var read = Read(client, Clock, settings);
        var bell = new NotificationBell();
        Notifier = new Notifier(read, Operations, Clock, bell, NullLoggerFactory.Instance);
        sender = new NotificationSender(read, Operations, Clock, bell, NullLoggerFactory.Instance);
    }

    // Receivers look at how old a message is.
    public FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());

    public IOperations Operations { get; }

    public Notifier Notifier { get; }

    public static NotificationSettings Read(HttpClient client, TimeProvider clock, params (string Key, string Value)[] settings) =>
        NotificationSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value)).Build(), client, clock);

    public Task StartAsync() => sender.StartAsync(TestContext.Current.CancellationToken);

    public QueuedRun Run(string id = "q1", QueuedRunState state = QueuedRunState.Failed, string? schedule = "daily-score") => new()
    {
        Id = id, Job = "flight-delays/score", Verb = "run", RequestJson = "{}", Queue = "score", Schedule = schedule, Occurrence = schedule is null ? null : new DateTimeOffset(2013, 10, 2, 5, 30, 0, TimeSpan.Zero),
        RequestedBy = "somebody", RequestedAt = Clock.GetUtcNow(), State = state, Reason = state == QueuedRunState.Failed ? "no column <dep_delay> & no \"tail\"" : null, Tries = 3, RunId = $"r-{id}",
        StartedAt = Clock.GetUtcNow(), FinishedAt = Clock.GetUtcNow().AddSeconds(83),
    };

    public async Task<IReadOnlyList<Notification>> AllAsync() => await Operations.NotificationsAsync(100, TestContext.Current.CancellationToken);

    public async Task<string> ToldAsync() => string.Join(" ", (await AllAsync()).Reverse().Select(n => $"{n.Channel}:{n.Kind}"));

    /// <summary>Lets time go by until something holds of the only notification.</summary>
    public async Task<Notification> UntilAsync(Func<Notification, bool> holds, TimeSpan? step = null)
    {
        while (true)
        {
            var notification = Assert.Single(await AllAsync());
            if (holds(notification)) return notification;
            Clock.Advance(step ?? TimeSpan.FromSeconds(1));
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Starts one of the receivers of <c>tests/notifications</c>.</summary>
    public static Process Node(string script, IReadOnlyDictionary<string, string>? environment = null, params string[] args)
    {
        var home = Path.Combine(Shared.RepositoryRoot, "tests", "notifications");
        Shared.RequireOrSkip(Directory.Exists(Path.Combine(home, "node_modules")), "'npm ci' was not run in tests/notifications.");
        var start = new ProcessStartInfo("node", [Path.Combine(home, script), .. args]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        await sender.StopAsync(CancellationToken.None);
        sender.Dispose();
        await Operations.DisposeAsync();
        client.Dispose();
        folder.Dispose();
    }
}
