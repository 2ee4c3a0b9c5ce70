namespace BatchMl.Server.Schedules;

/// <summary>The occurrences of a schedule that are due.</summary>
/// <param name="Runs">Those that get a run, in order.</param>
/// <param name="Missed">Whether some were missed that get none.</param>
/// <param name="Until">All up to here are dealt with; null: there is nothing to note.</param>
sealed record Occurrences(IReadOnlyList<DateTimeOffset> Runs, bool Missed, DateTimeOffset? Until)
{
    /// <summary>How many are dealt with at once: the rest has its turn right after.</summary>
    const int Most = 100;

    static readonly Occurrences None = new([], false, null);

    /// <summary>What is due at an instant.</summary>
    /// <param name="schedule">The schedule; one without a cron has no occurrences of its own.</param>
    /// <param name="dealtWith">All up to here are dealt with; null: it was never looked at.</param>
    /// <param name="now">The instant. A clock that was set back comes to nothing that is dealt with.</param>
    /// <param name="punctual">Occurrences longer ago than this are missed ones: nobody looked when they came.</param>
    public static Occurrences Of(Schedule schedule, DateTimeOffset? dealtWith, DateTimeOffset now, TimeSpan punctual)
    {
        if (schedule.Cron is not { } cron) return None;
        if (schedule.Start > now) return None;
        if ((dealtWith ?? schedule.Start) is null) return new([], false, now);
        // The start itself counts.
        var start = schedule.Start?.AddTicks(-1);
        var from = dealtWith is { } until && !(start > until) ? until : start!.Value;
        if (cron.GetPreviousOccurrence(now, schedule.Zone, inclusive: true) is not { } last || last <= from) return None;
        var missedUntil = now - punctual;
        var all = schedule.Misfire == MisfirePolicy.Every ? Between(from) : Between(from > missedUntil ? from : missedUntil);
        var lastMissed = missedUntil > from && cron.GetPreviousOccurrence(missedUntil, schedule.Zone, inclusive: true) is { } missed && missed > from ? missed : (DateTimeOffset?)null;
        return schedule.Misfire switch
        {
            MisfirePolicy.OneRun when all.Count == 0 && lastMissed is { } one => new([one], false, last),
            _ => new(all, schedule.Misfire == MisfirePolicy.Skip && lastMissed is not null, all.Count == Most ? all[^1] : last),
        };

        IReadOnlyList<DateTimeOffset> Between(DateTimeOffset after) => [.. schedule.Next(after).TakeWhile(o => o <= now).Take(Most)];
    }
}
