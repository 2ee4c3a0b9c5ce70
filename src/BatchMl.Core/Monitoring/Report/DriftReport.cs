namespace BatchMl.Monitoring;

/// <summary>Renders drift reports.</summary>
public static class DriftReport
{
    /// <summary>A self-contained page.</summary>
    public static string Render(DriftReportData data) => "<html></html>" + data.Job;
}
