using BatchMl.Server.Board;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace BatchMl.Server.Pages;

/// <summary>Versions of models.</summary>
sealed class ModelsModel(ModelBoard models) : PageModel
{
    public IReadOnlyList<IGrouping<string, ModelVersionView>> Models { get; private set; } = [];

    public async Task OnGetAsync(CancellationToken cancel) => Models = [.. (await models.AllAsync(cancel)).GroupBy(m => m.Model)];

    /// <summary>The metrics that a table has room for.</summary>
    public static IEnumerable<KeyValuePair<string, double>> Main(ModelVersionView version) =>
        new[] { "test.auc", "test.average_precision", "test.log_loss", "test.brier", "test.calibration_error" }.Where(version.Metrics.ContainsKey).Select(m => KeyValuePair.Create(m, version.Metrics[m]));
}
