using System.Globalization;
using BatchMl.Operations;
using BatchMl.Runs;

namespace BatchMl.Server.Board;

/// <summary>Numbers, times and states in words, the same on every page.</summary>
static class Words
{
    public static string Of(PartitionCondition state) => state switch
    {
        PartitionCondition.DeadLetters => "dead letters",
        _ => state.ToString().ToLowerInvariant(),
    };

    public static string Of(RunState state) => state.ToString().ToLowerInvariant();

    public static string Of(QueuedRunState state) => state.ToString().ToLowerInvariant();

    /// <summary>Name of a state in style sheets.</summary>
    public static string Class(PartitionCondition state) => Of(state).Replace(' ', '-');

    public static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(long number, string one) => $"{Count(number)} {one}{(number == 1 ? "" : "s")}";

    public static string Number(double number) => double.IsFinite(number) ? number.ToString("G4", CultureInfo.InvariantCulture) : "–";

    public static string Bytes(long bytes) => bytes switch
    {
        < 1_000 => $"{bytes} B",
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F1} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F1} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F1} GB"),
    };

    public static string Time(DateTimeOffset? at) => at is { } t ? t.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "–";

    public static string Minute(DateTimeOffset? at) => at is { } t ? t.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) : "–";

    public static string Duration(TimeSpan? time) => time switch
    {
        null => "–",
        { } t when t < TimeSpan.Zero => "–",
        { TotalSeconds: < 10 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:F1} s"),
        { TotalMinutes: < 2 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:F0} s"),
        { TotalMinutes: < 10 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalMinutes):F0} min {t.Seconds} s"),
        { TotalHours: < 2 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalMinutes):F0} min"),
        { TotalDays: < 2 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalHours):F0} h {t.Minutes} min"),
        { } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalDays):F0} d {t.Hours} h"),
    };

    /// <summary>How long until or since an instant.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now) => at <= now ? $"{Duration(now - at)} ago" : $"in {Duration(at - now)}";

    public static string FirstLine(string? text, int length = 200)
    {
        var line = (text ?? "").Split('\n', 2)[0].TrimEnd('\r');
        return line.Length <= length ? line : line[..(length - 1)] + "…";
    }

    /// <summary>A run's id, short enough for a table and long enough to find it by.</summary>
    public static string Short(string? id) => id is null ? "–" : id.Length > 13 ? id[..13] : id;
}
