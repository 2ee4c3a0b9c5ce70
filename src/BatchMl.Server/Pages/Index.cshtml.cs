using BatchMl.Operations;
using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>Something that somebody should look at.</summary>
/// <param name="State">How it stands.</param>
/// <param name="What">What it is.</param>
/// <param name="Link">Where there is more.</param>
/// <param name="Why">Why, in a line.</param>
/// <param name="At">Since when; null: not known.</param>
public sealed record Attention(State State, string What, string Link, string? Why, DateTimeOffset? At);

/// <summary>The home page: what is late or failed, what runs, and every day of every dataset.</summary>
sealed class IndexModel(Overview overview) : PageModel
{
    public OverviewView View { get; private set; } = null!;

    /// <summary>Calendars of datasets by day.</summary>
    public IReadOnlyList<DayCalendar> Calendars { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel)
    {
        View = await overview.NowAsync(cancel);
        Calendars = [.. View.Datasets.Where(d => d.IsDaily).Select(d => DayCalendar.Of(d, null)).OfType<DayCalendar>()];
    }

    /// <summary>The part that changes while one looks.</summary>
    public async Task<IActionResult> OnGetNowAsync(CancellationToken cancel) => Partial("_Now", await overview.NowAsync(cancel));

    /// <summary>What needs attention, the worst first.</summary>
    public static IReadOnlyList<Attention> AttentionOf(OverviewView view)
    {
        var found = new List<Attention>();
        foreach (var dataset in view.Datasets)
        {
            if (dataset.Problem is { } problem) found.Add(new Attention(new State("failed", "no plan"), dataset.Job!, Links.Dataset(dataset.Name), Words.FirstLine(problem), dataset.PlannedAt));
            foreach (var state in new[] { PartitionCondition.Failed, PartitionCondition.Late })
            {
                var those = dataset.Partitions.Where(p => p.State == state).ToArray();
                if (those.Length == 0) continue;
                var which = string.Join(", ", those.Take(3).Select(p => p.Value)) + (those.Length > 3 ? $" and {Words.Count(those.Length - 3)} more" : "");
                found.Add(new Attention(State.Of(state), $"{dataset.Name}: {which}", those.Length == 1 ? Links.Partition(those[0]) : Links.Dataset(dataset.Name, state), Words.FirstLine(those[0].Reason), state == PartitionCondition.Late ? those[0].DueAt : null));
            }
        }
        found.AddRange(view.FailedRuns.Select(r => new Attention(State.Of(r.State), $"{r.Verb} {r.Job}", r.RunId is null ? "/runs" : Links.Run(r.RunId), Words.FirstLine(r.Reason), r.FinishedAt)));
        found.AddRange(view.Schedules.Where(s => s.Problems.Count > 0).Select(s => new Attention(new State("failed", "broken file"), $"schedule {s.Name}", Links.Schedule(s.Name), Words.FirstLine(s.Problems[0]), null)));
        found.AddRange(view.Drift.Where(d => d.Level == "drift").Select(d => new Attention(State.OfDrift("drift"), $"{d.Watches} {d.Partition}", "/drift", $"{Words.Count(d.Count("drift"), "column")} drifted: {string.Join(", ", d.Columns.Where(c => c.Level == "drift").Take(4).Select(c => c.Column))}", null)));
        return found;
    }
}
