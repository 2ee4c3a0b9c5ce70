namespace BatchMl.Scoring;

/// <summary>Tells where the time goes.</summary>
sealed class StageTimes(TimeProvider clock, Action<string, TimeSpan>? report)
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
            report?.Invoke(stage, clock.GetElapsedTime(start));
        }
    }

    internal async Task<T> MeasureAsync<T>(string stage, Func<ValueTask<T>> work)
    {
        var start = clock.GetTimestamp();
        try
        {
            return await work();
        }
        finally
        {
            report?.Invoke(stage, clock.GetElapsedTime(start));
        }
    }

    internal Task MeasureAsync(string stage, Func<ValueTask> work) => MeasureAsync(stage, async () =>
    {
        await work();
        return true;
    });
}
