using BatchMl.Hosting;
using BatchMl.Server.Access;
using BatchMl.Server.Schedules;

namespace BatchMl.Server;

/// <summary>A server for a program of jobs.</summary>
public static class ServerVerbs
{
    /// <summary>The application with <c>serve</c>, <c>schedules</c> and <c>keys</c>.</summary>
    /// <param name="application">The application.</param>
    public static BatchMlApplication WithServer(this BatchMlApplication application) => application with
    {
        MoreVerbs = [.. application.MoreVerbs, a => new ServeVerb(a), a => new SchedulesVerb(a), a => new KeysVerb(a)],
    };
}
