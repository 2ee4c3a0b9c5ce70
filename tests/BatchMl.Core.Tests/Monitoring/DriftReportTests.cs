using System.Xml.Linq;
using BatchMl.Monitoring;
using BatchMl.Training;
using Xunit;

namespace BatchMl.Core.Tests.Monitoring;

public sealed class DriftReportTests
{
    static Profile Scored(Profile features, double shift = 0) => features with
    {
        Columns =
        [
            .. features.Columns,
            new ColumnProfile { Name = "empty", Rows = features.Rows, Nulls = features.Rows, Sums = [], Squares = [], Quantiles = QuantileSketch.Empty },
            features.Columns[0] with { Name = "score", Quantiles = QuantileSketch.Of([.. features.Columns[0].Quantiles!.Weighted().Values.Select(v => (v + shift) / 4)]) },
        ],
    };

    static DriftReportData Data(int days, bool labels = true, string job = "flights/monitor")
    {
        var reference = Scored(DriftTests.Of(3_000, 1));
        var metrics = BinaryMetrics.Of([0.1, 0.2, 0.7, 0.8], [0, 1, 0, 1]);
        return new DriftReportData
        {
            Job = job, Model = "flights@3", ModelDigest = "sha256:0123456789abcdef0123", PartitionColumn = "flight_date", Reference = reference,
            Splits = labels ? new Dictionary<string, BinaryMetrics> { ["test"] = metrics, ["train"] = metrics } : [],
            Partitions =
            [
                .. Enumerable.Range(0, days).Select(d =>
                {
                    var profile = Scored(DriftTests.Of(300, 10 + d, shift: d >= 2 ? 0.4 : 0), d);
                    // Of the last day no label is known, unless it is the only one.
                    var known = labels && (d < days - 1 || days == 1);
                    return new DriftReportPartition(new DateOnly(2013, 11, 29).AddDays(d).ToString("yyyy-MM-dd"), 300, d, profile, Drift.Compare(reference, profile, new DriftRules()), known ? metrics : null, known ? 4 : 0);
                }),
            ],
            Realised = labels ? metrics : null,
            Curves = labels ? BinaryCurves.Of([0.1, 0.2, 0.7, 0.8], [0, 1, 0, 1]) : null,
        };
    }

    /// <summary>The page is well-formed: parsing it is the check of every drawing in it.</summary>
    static XElement Page(DriftReportData data)
    {
        var html = DriftReport.Render(data);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Infinity", html, StringComparison.Ordinal);
        foreach (var fetched in new[] { "http", "<script", "url(", "<link", "@import" }) Assert.DoesNotContain(fetched, html, StringComparison.Ordinal);
        var page = XDocument.Parse(html).Root!;
        Assert.All(page.Descendants("svg").Where(s => (string?)s.Attribute("role") == "img"), s => Assert.Equal("title", s.Elements().First().Name));
        Assert.All(page.Descendants("table"), t => Assert.Equal("caption", t.Elements().First().Name));
        return page;
    }

    static XElement HeatMap(XElement page) => page.Descendants("svg").First(s => (string?)s.Attribute("role") == "img");

    [Fact]
    public void Every_column_of_every_day_has_a_cell_that_says_its_numbers()
    {
        var data = Data(5);
        var cells = HeatMap(Page(data)).Elements("rect").ToArray();
        Assert.Equal(5 * 4, cells.Length);
        Assert.All(cells, c => Assert.Contains("PSI", c.Element("title")!.Value, StringComparison.Ordinal));
        Assert.Contains(cells, c => c.Element("title")!.Value.Trim().StartsWith("x, 2013-12-03", StringComparison.Ordinal) && c.Element("title")!.Value.EndsWith(": drift", StringComparison.Ordinal));
    }

    [Fact]
    public void The_summary_says_which_columns_drifted_and_how_scores_turned_out()
    {
        var text = Page(Data(5)).Descendants("ul").First().Value;
        Assert.Contains("1 of 3 columns drifted on 1 or more of 5 days; most: x.", text, StringComparison.Ordinal);
        Assert.Contains("The realised AUC is 0.750 on 4 labelled rows, against 0.750 on the test split", text, StringComparison.Ordinal);
        Assert.Contains("10 rows could not be scored", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_text_and_never_markup()
    {
        var data = Data(2, job: "<script>alert(1)</script>\u0001&\"'");
        var renamed = data.Reference.Columns[0] with { Name = "<script>x</script>" };
        data = data with { Reference = data.Reference with { Columns = [renamed, .. data.Reference.Columns.Skip(1)] } };
        data = data with { Partitions = [.. data.Partitions.Select(p => p with { Value = "<b>", Columns = [p.Columns[0] with { Column = "<script>x</script>" }, .. p.Columns.Skip(1)] })] };
        var page = Page(data);
        Assert.Empty(page.Descendants("script"));
        Assert.Equal("<script>alert(1)</script>\uFFFD&\"'", page.Descendants("h1").Single().Value);
        Assert.Contains(page.Descendants("code"), c => c.Value == "<script>x</script>");
    }

    [Fact]
    public void Without_partitions_the_page_says_so()
    {
        var page = Page(Data(0, labels: false));
        Assert.Contains("No partition has been scored", page.Value, StringComparison.Ordinal);
        Assert.Empty(page.Descendants("figure"));
    }

    [Fact]
    public void Without_labels_there_are_no_realised_metrics()
    {
        var page = Page(Data(3, labels: false));
        Assert.Contains("No labels are known yet", page.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Descendants("th"), t => t.Value == "realised");
    }

    [Fact]
    public void Curves_are_drawn_from_corner_to_corner_with_their_areas()
    {
        var svg = Page(Data(3)).Descendants("svg").Single(s => s.Element("title")?.Value.StartsWith("ROC curve", StringComparison.Ordinal) == true);
        Assert.EndsWith("area 0.750", svg.Element("title")!.Value, StringComparison.Ordinal);
        // 348 by 364 from (56, 376) to (404, 12).
        Assert.Equal("M56 376L56 194L230 194L230 12L404 12", (string?)svg.Element("path")!.Attribute("d"));
        Assert.DoesNotContain("ROC", Page(Data(3, labels: false)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void One_day_is_a_period_too()
    {
        var page = Page(Data(1));
        Assert.Contains("on 2013-11-29", page.Descendants("ul").First().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_day_without_labels_is_marked()
    {
        var gap = Assert.Single(Page(Data(4)).Descendants("svg").Skip(1).SelectMany(s => s.Elements("rect")).Where(r => (string?)r.Attribute("class") == "gap").Take(1));
        Assert.Contains("no labels", gap.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_data_is_the_same_page() => Assert.Equal(DriftReport.Render(Data(3)), DriftReport.Render(Data(3)));
}
