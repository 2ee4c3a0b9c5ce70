using BatchMl.Hosting;
using BatchMl.TestSupport;

namespace BatchMl.Jobs.Tests;

/// <summary>A quantised ONNX model in place of the one that the pipeline trains.</summary>
public sealed class ImportedModelTests : IDisposable
{
    readonly TestFolder folder = new();

    public void Dispose() => folder.Dispose();

    Task PublishAsync(int? rowsPerCall) => ImportedModels.PublishAsync(folder.At("work"), "flight-delays", 1, [3, -7, 20], rowsPerCall);

    async Task<string> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await (BatchMlApplication.Create(FlightDelays.FlightDelays.Jobs) with { Out = output, Error = error }).RunAsync([.. args, "--workspace", folder.At("work")], TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"{code}: {output}{error}");
        return output.ToString();
    }

    [Fact]
    public async Task The_plan_says_that_each_row_is_scored_alone_and_so_it_is()
    {
        await PublishAsync(null);
        Assert.Contains("each row is scored in a call of its own", await RunAsync("plan", "flight-delays/score", "--partition", "2013-10-01"), StringComparison.Ordinal);
        await RunAsync("run", "flight-delays/score", "--partition", "2013-10-01");
        var alone = (await Workspaces.ContentAsync(folder.At("work"), "flight-delays/score"))["2013-10-01"];
        // In a unit with its neighbours.
        await RunAsync("run", "flight-delays/score", "--partition", "2013-09-30", "--partition", "2013-10-01", "--partition", "2013-10-02", "--force");
        Assert.Equal(alone, (await Workspaces.ContentAsync(folder.At("work"), "flight-delays/score"))["2013-10-01"]);
    }

    [Fact]
    public async Task The_plan_says_that_scores_depend_on_neighbours_where_calls_of_many_rows_were_chosen()
    {
        await PublishAsync(256);
        Assert.Contains("calls of 256 rows; a score depends on the rows beside it", await RunAsync("plan", "flight-delays/score", "--partition", "2013-10-01"), StringComparison.Ordinal);
    }
}
