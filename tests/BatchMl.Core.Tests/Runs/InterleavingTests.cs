using BatchMl.Data;
using BatchMl.Runs;
using BatchMl.TestSupport.Runs;
using Microsoft.Extensions.Time.Testing;

namespace BatchMl.Core.Tests.Runs;

/// <summary>
/// Whole runners over one workspace in random interleavings. At each call of catalog and sink a process waits for its turn; a seeded schedule gives turns, lets processes die there, stand still for longer than their
/// leases, and changes inputs under them. The model of what may happen is small: versions of a partition are committed in the order of its inputs, each once; what is visible is whole; and every schedule ends as if
/// nothing had gone wrong.
/// </summary>
public sealed class InterleavingTests
{
    /// <summary><c>BATCHML_SOAK=1</c>: 200 schedules.</summary>
    static readonly int schedules = Environment.GetEnvironmentVariable("BATCHML_SOAK") == "1" ? 200 : 8;

    [Fact]
    public async Task Every_interleaving_of_processes_that_die_stall_and_race_ends_whole()
    {
        // Who waits for a turn keeps its thread.
        ThreadPool.GetMinThreads(out var workers, out var ports);
        ThreadPool.SetMinThreads(Math.Max(workers, 64), ports);
        var seen = new Schedule.Counts();
        for (var seed = 1; seed <= schedules; seed++)
        {
            await using var schedule = new Schedule(seed, seen);
            try
            {
                await schedule.RunAsync();
            }
            catch (Exception e)
            {
                Assert.Fail($"Schedule {seed}: {e.Message}{Environment.NewLine}{string.Join(Environment.NewLine, schedule.Log.TakeLast(60))}{Environment.NewLine}{e}");
            }
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{schedules} schedules: {seen}");
        // That something went wrong in them.
        Assert.True(seen is { Deaths: > 0, Stalls: > 0, TakenOver: > 0, Changes: > 0 }, seen.ToString());
    }
}

/// <summary>One seeded schedule.</summary>
sealed class Schedule(int seed, Schedule.Counts seen) : IAsyncDisposable
{
    const string Set = "flights/score";
    const int Processes = 6, AtOnce = 3, Steps = 900;

    static readonly string[] days = ["1", "2", "3", "4"];

    readonly Random random = new(seed);
    readonly ScheduleClock clock = new();
    readonly TextJob job = new TextJob(Set) { UnitSize = 2, Policy = ChangePolicy.Restate }.With(days);
    readonly List<Actor> actors = [];
    readonly HashSet<string> knownGone = [];
    readonly Dictionary<string, List<(long Fence, string Inputs)>> committed = days.ToDictionary(d => d, _ => new List<(long, string)>());
    readonly Dictionary<string, List<string>> versions = days.ToDictionary(d => d, d => new List<string> { $"in {d}" });
    RunnerHarness? harness;

    public sealed record Counts
    {
        public int Deaths { get; set; }
        public int Stalls { get; set; }
        public int TakenOver { get; set; }
        public int Changes { get; set; }
        public int Commits { get; set; }
    }

    public List<string> Log { get; } = [];

    RunnerHarness W => harness ??= new RunnerHarness(clock);

    public async Task RunAsync()
    {
        for (var step = 0; step < Steps; step++)
        {
            while (actors.Count < Processes && actors.Count(a => !a.IsOver) < AtOnce) Start();
            if (actors.All(a => a.IsOver)) break;
            Step(step);
            await CheckAsync();
        }
        foreach (var actor in actors) actor.SetFree();
        var waited = 0;
        for (; actors.Any(a => !a.IsOver) && waited < 6_000; waited++) await AdvanceAsync(TimeSpan.FromMilliseconds(100));
        Assert.True(waited < 6_000, $"After ten minutes of its own time {string.Join(", ", actors.Where(a => !a.IsOver).Select(a => a.Name))} did not end");
        Assert.All(actors, a => Assert.True(a.Error is null or DeathException, $"{a.Name}: {a.Error}"));
        await CheckAsync();

        var last = W.Process("last", isGone: name => actors.Any(a => a.Name == name));
        Assert.Equal(RunState.Completed, (await W.PumpAsync(last.RunAsync(job, new RunRequest(), "run", default))).State);
        await CheckAsync();
        await W.AssertWholeAsync(Set, days.ToDictionary(d => d, d => $"{versions[d][^1]}, made"));
        // Partitions of a unit are made in the order of the plan, also those that others gave back in another.
        Assert.All(job.Begun.Select(unit => unit.Split(' ')), unit => Assert.Equal(unit.Order(StringComparer.Ordinal), unit));
        await CountAsync();
    }

    void Start()
    {
        var actor = new Actor($"p{actors.Count}");
        actors.Add(actor);
        Log.Add($"{actor.Name} starts");
        actor.Start(W.Process(actor.Name, actor.Reached, isGone: IsGone), job, random.Next(1, 3));
    }

    bool IsGone(string name)
    {
        lock (knownGone) return knownGone.Contains(name);
    }

    void Step(int step)
    {
        var what = random.Next(1_000);
        SpinWait.SpinUntil(() => Ready(step).Length > 0, 5);
        var ready = Ready(step);
        if (ready.Length == 0 || what < 50)
        {
            // Leases of 15 s expire in some of these.
            Pass(ready.Length > 0 && random.Next(4) == 0 ? random.Next(20_000) : random.Next(300));
            return;
        }
        var actor = ready[random.Next(ready.Length)];
        var point = actor.Waiting;
        if (what < 58)
        {
            seen.Deaths++;
            // Seen to be gone at once, or only by its lease.
            lock (knownGone) if (random.Next(2) == 0) knownGone.Add(actor.Name);
            Log.Add($"{actor.Name} dies at {point}");
            actor.Die();
        }
        else if (what < 75)
        {
            seen.Stalls++;
            actor.StalledUntil = step + random.Next(10, 250);
            Log.Add($"{actor.Name} stalls at {point} until {actor.StalledUntil}");
        }
        else if (what < 90)
        {
            seen.Changes++;
            var day = days[random.Next(days.Length)];
            versions[day].Add($"v{versions[day].Count} {day}");
            job.Inputs[day] = versions[day][^1];
            Log.Add($"input {job.Inputs[day]}");
        }
        else
        {
            Log.Add($"{actor.Name}: {point}");
            actor.Go(random);
        }
    }

    Actor[] Ready(int step) => [.. actors.Where(a => !a.IsOver && a.StalledUntil <= step && a.Waiting is not null)];

    void Pass(int milliseconds)
    {
        Log.Add($"{milliseconds} ms pass");
        clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Thread.Sleep(1);
    }

    async Task AdvanceAsync(TimeSpan time)
    {
        clock.Advance(time);
        await Task.Delay(1);
    }

    /// <summary>What must hold at all times.</summary>
    async Task CheckAsync()
    {
        foreach (var entry in await W.Catalog.LedgerAsync("folder", Set, default))
        {
            if (entry.Committed is not { } version) continue;
            var before = committed[entry.Key.Value];
            if (before.Count > 0 && before[^1].Fence == version.Staged.Fence) continue;
            var last = before.Count > 0 ? before[^1].Fence : 0;
            Assert.True(last < version.Staged.Fence, $"Fence {version.Staged.Fence} of {entry.Key} was committed after {last}");
            Assert.DoesNotContain(before, b => b.Inputs == version.Fingerprint.Inputs);
            before.Add((version.Staged.Fence, version.Fingerprint.Inputs));
            seen.Commits++;
        }
        foreach (var (day, text) in await W.Sink.TextsAsync(Set)) Assert.Contains(text, versions[day].Select(v => $"{v}, made"));
    }

    async Task CountAsync()
    {
        foreach (var run in await W.Catalog.RecentRunsAsync(1_000, default))
        {
            seen.TakenOver += (await W.Catalog.AttemptsAsync(run.RunId, default)).Count(a => a.Error?.Contains("stopped for longer", StringComparison.Ordinal) == true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var actor in actors) actor.Die();
        if (harness is not null) await harness.DisposeAsync();
    }
}

/// <summary>A clock whose timers do not run on the thread that moves it: that gives turns, and must not wait for one.</summary>
sealed class ScheduleClock() : FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50))
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(s => ThreadPool.UnsafeQueueUserWorkItem(_ => callback(s), null), state, dueTime, period);
}

/// <summary>A process of a schedule: waits for its turn at every point that it reaches.</summary>
sealed class Actor(string name)
{
    readonly Lock gate = new();
    readonly List<(string Point, ManualResetEventSlim Turn)> waiting = [];
    volatile bool isDead, isFree;
    Task<RunSummary>? run;

    public string Name => name;

    public int StalledUntil { get; set; }

    public bool IsOver => run!.IsCompleted;

    public Exception? Error => run!.Exception?.Flatten().InnerExceptions[0];

    /// <summary>A point at which it waits; null: it waits for nothing but time.</summary>
    public string? Waiting
    {
        get
        {
            lock (gate) return waiting.Count > 0 ? waiting[0].Point : null;
        }
    }

    public void Start(Runner runner, Job job, int parallel) => run = Task.Run(() => runner.RunAsync(job, new RunRequest { MaxParallel = parallel }, "run", default));

    public void Reached(string point)
    {
        if (isDead) throw new DeathException();
        if (isFree) return;
        using var turn = new ManualResetEventSlim();
        lock (gate) waiting.Add((point, turn));
        // Whoever was set free meanwhile is not told twice.
        if (isFree || isDead) LetAllGo();
        turn.Wait();
        if (isDead) throw new DeathException();
    }

    /// <summary>Gives a turn, and waits a little for what comes of it.</summary>
    public void Go(Random random)
    {
        ManualResetEventSlim turn;
        lock (gate)
        {
            var index = random.Next(waiting.Count);
            turn = waiting[index].Turn;
            waiting.RemoveAt(index);
        }
        turn.Set();
        SpinWait.SpinUntil(() => Waiting is not null || IsOver, 2);
    }

    public void Die()
    {
        isDead = true;
        LetAllGo();
    }

    public void SetFree()
    {
        isFree = true;
        LetAllGo();
    }

    void LetAllGo()
    {
        lock (gate)
        {
            foreach (var (_, turn) in waiting) turn.Set();
            waiting.Clear();
        }
    }
}
