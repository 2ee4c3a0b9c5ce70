using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BatchMl.Operations;
using BatchMl.Server.Schedules;

namespace BatchMl.Server.Dispatch;

/// <summary>The runs that an occurrence of a schedule asks for.</summary>
static class ScheduledRuns
{
    /// <summary>A schedule's run, first, and those of all schedules that come after it, each behind what it comes after.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="all">All schedules that may run.</param>
    /// <param name="occurrence">The instant in the time of schedules.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="now">When, on the clock of records.</param>
    public static IReadOnlyList<(QueuedRun Run, OverlapPolicy Overlap)> Of(Schedule schedule, IReadOnlyList<Schedule> all, DateTimeOffset occurrence, string by, DateTimeOffset now)
    {
        var runs = new List<(QueuedRun Run, OverlapPolicy Overlap)>();
        Add(schedule, null);
        return runs;

        void Add(Schedule next, string? after)
        {
            var id = IdOf(next.Name, occurrence);
            runs.Add((new QueuedRun
            {
                Id = id,
                Job = next.Job,
                Verb = "run",
                RequestJson = JsonSerializer.Serialize(next.Arguments.RequestOf(occurrence, next.Zone) with { TraceParent = Activity.Current?.Id }),
                Queue = next.Queue,
                Group = next.Group,
                GroupLimit = next.GroupLimit,
                Schedule = next.Name,
                Occurrence = occurrence,
                After = after,
                Retries = next.Retries,
                TimeLimit = next.TimeLimit,
                RequestedBy = by,
                RequestedAt = now,
                State = QueuedRunState.Waiting,
            }, next.Overlap));
            foreach (var follower in all.Where(s => s.After == next.Name)) Add(follower, id);
        }
    }

    /// <summary>Every server gives an occurrence's run the same id (a UUID of version 7, whose time is the occurrence's), so that it knows what comes after what without looking.</summary>
    public static string IdOf(string schedule, DateTimeOffset occurrence)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{schedule}\n{occurrence.UtcTicks}")), hash);
        Span<byte> id = hash[..16];
        Span<byte> milliseconds = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(milliseconds, occurrence.ToUnixTimeMilliseconds());
        milliseconds[2..].CopyTo(id);
        id[6] = (byte)(0x70 | id[6] & 0x0F);
        id[8] = (byte)(0x80 | id[8] & 0x3F);
        return new Guid(id, bigEndian: true).ToString();
    }
}
