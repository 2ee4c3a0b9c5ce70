namespace BatchMl.Monitoring;

/// <summary>Drift of a model's inputs and scores, and how the scores turned out, as a page to read.</summary>
public static class DriftReport
{
    /// <summary>
    /// One HTML page that needs nothing else: it has no script and fetches nothing. It is well-formed XML too. The same data gives the same bytes.
    /// </summary>
    public static string Render(DriftReportData data)
    {
        var facts = new DriftFacts(data);
        var html = new Html().Raw("<!DOCTYPE html>");
        using (html.Open("html", ("lang", "en")))
        {
            using (html.Open("head"))
            {
                html.Shape("meta", ("charset", "utf-8")).Shape("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                html.Element("title", $"{data.Job}: drift of {data.Model}");
                using (html.Open("style")) html.Raw(ReportStyle.Css);
            }
            using (html.Open("body"))
            using (html.Open("main"))
            {
                ReportText.Header(html, facts);
                Body(html, facts);
                ReportText.Notes(html, facts);
            }
        }
        return html.ToString();
    }

    static void Body(Html html, DriftFacts facts)
    {
        if (facts.Partitions.Count > 0)
        {
            html.Element("h2", "Which columns drifted, and when");
            HeatMap.Draw(html, facts);
            html.Element("h2", "Scores over time");
            TimeFigures.Score(html, facts);
            TimeFigures.Rows(html, facts);
        }
        html.Element("h2", "How scores turned out");
        if (facts.Partitions.Any(p => p.Realised is not null)) TimeFigures.Realised(html, facts);
        else html.Element("p", "No labels are known yet.");
        ReportText.Metrics(html, facts);
        CalibrationFigure.Draw(html, facts.Data.Splits.GetValueOrDefault("test"), facts.Data.Realised);
        CurveFigures.Draw(html, facts.Data.Curves, facts.Data.Realised);
        if (facts.Partitions.Count == 0) return;
        html.Element("h2", "Columns in detail");
        for (var i = 0; i < facts.Columns.Count; i++) ColumnSection.Write(html, facts, facts.Columns[i], open: i == 0);
    }
}
