using System.Globalization;
using BatchMl.Spark.Connect;

namespace BatchMl.Spark.Engine;

/// <summary>Where the pages of a Spark application are, for people who want to see its stages. Connect does not say; the configuration says where they would be, and they themselves whether they are.</summary>
static class SparkPages
{
    const int FirstPort = 4040, Ports = 16;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The address; null: there are no pages, or not where they can be reached from here.</summary>
    public static async Task<string?> FindAsync(SparkSession session, CancellationToken cancel)
    {
        if (await session.GetAsync("spark.ui.enabled", cancel) == "false") return null;
        var (host, id) = (await session.GetAsync("spark.driver.host", cancel), await session.GetAsync("spark.app.id", cancel));
        if (host is null || id is null) return null;
        var port = int.TryParse(await session.GetAsync("spark.ui.port", cancel), NumberStyles.None, CultureInfo.InvariantCulture, out var set) && set > 0 ? set : FirstPort;
        using var http = new HttpClient { Timeout = Patience };
        // A port that is taken makes Spark try the next.
        for (var tried = port; tried < port + Ports; tried++)
        {
            var address = $"http://{host}:{tried}";
            try
            {
                if ((await http.GetStringAsync($"{address}/api/v1/applications", cancel)).Contains($"\"{id}\"", StringComparison.Ordinal)) return address;
            }
            catch (HttpRequestException e) when (e.StatusCode is null)
            {
                // Nobody listens there, and Spark would have taken the port.
                return null;
            }
            catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancel.IsCancellationRequested))
            {
                // Somebody else's pages.
            }
        }
        return null;
    }
}
