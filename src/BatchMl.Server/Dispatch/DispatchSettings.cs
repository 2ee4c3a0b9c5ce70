using System.Globalization;
using BatchMl.Runs;
using Microsoft.Extensions.Configuration;

namespace BatchMl.Server.Dispatch;

/// <summary>How a server does what is queued.</summary>
sealed record DispatchSettings
{
    /// <summary>How many runs of each queue may go at once in this process: setting <c>Server:Workers:QUEUE</c>.</summary>
    public IReadOnlyDictionary<string, int> Workers { get; init; } = new Dictionary<string, int>();

    /// <summary>How long a run that was told to stop has for it before it is left behind: setting <c>Server:StopWithin</c>, seconds.</summary>
    public TimeSpan StopWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a run tells that it is there, and how far it is.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A run whose heartbeat has not changed for this long is lost.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often the scheduler looks, if nothing calls for it before.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An occurrence longer ago than this when the scheduler looks was missed. Real time.</summary>
    public TimeSpan Punctual { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long after the first failure a run is tried again; each further time four times as long, an hour at most.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a run waits that found inputs not ready. Time of schedules.</summary>
    public TimeSpan InputsAgain { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>This process, as others see it.</summary>
    public string Holder { get; init; } = Runs.Holder.Self();

    /// <summary>What the configuration says.</summary>
    /// <exception cref="DefinitionException">Everything that is wrong with it.</exception>
    public static DispatchSettings Of(IConfiguration configuration)
    {
        var problems = new List<string>();
        var section = configuration.GetSection("Server:Workers");
        foreach (var unknown in section.GetChildren().Where(c => !Queues.All.Contains(c.Key))) problems.Add($"{unknown.Path} is no queue; queues are {string.Join(", ", Queues.All)}.");
        var workers = Queues.All.ToDictionary(q => q, q => Number($"Server:Workers:{q}", q == Queues.Score ? Math.Max(1, Environment.ProcessorCount / 2) : 1, 0, 1_000));
        var stop = Number("Server:StopWithin", 30, 1, 3_600);
        return problems.Count > 0 ? throw new DefinitionException(problems) : new DispatchSettings { Workers = workers, StopWithin = TimeSpan.FromSeconds(stop) };

        int Number(string name, int otherwise, int least, int most)
        {
            if (configuration[name] is not { } text) return otherwise;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
            problems.Add($"{name} is '{text}'; expected a number from {least} to {most}.");
            return otherwise;
        }
    }
}
