namespace BatchMl.Monitoring;

/// <summary>Drift of a model's inputs and scores, and how the scores turned out, as a page to read.</summary>
public static class DriftReport
{
    /// <summary>
    /// One HTML page that needs nothing else: no script, no font, no address is fetched. The same data gives the same bytes.
    /// </summary>
    public static string Render(DriftReportData data) => new Html()
        .Element("h1", data.Job)
        .ToString();
}
