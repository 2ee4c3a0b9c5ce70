using BatchMl.Telemetry;

namespace BatchMl.Scoring;

/// <summary>Tells where the time goes.</summary>
sealed class StageTimes(TimeProvider clock, Action<string, StageState, TimeSpan>? report)
{
    internal T Measure<T>(string stage, Func<T> work)
    {
        var start = clock.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            report?.Invoke(stage, StageState.Busy, clock.GetElapsedTime(start));
        }
    }

    internal async Task<T> MeasureAsync<T>(string stage, StageState state, Func<ValueTask<T>> work)
    {
        var start = clock.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            report?.Invoke(stage, state, clock.GetElapsedTime(start));
        }
    }

    internal Task<T> MeasureAsync<T>(string stage, Func<ValueTask<T>> work) => MeasureAsync(stage, StageState.Busy, work);

    internal Task MeasureAsync(string stage, StageState state, Func<ValueTask> work) => MeasureAsync(stage, state, async () =>
    {
        await work();
        return true;
    });
}
