namespace BatchMl.Monitoring;

/// <summary>Tables: the first cell of a row names it.</summary>
static class Tables
{
    public static void Write(Html html, string caption, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows)
    {
        using var scroll = html.Open("div", ("class", "scroll"));
        using var table = html.Open("table");
        html.Element("caption", caption);
        using (html.Open("thead"))
        using (html.Open("tr"))
        {
            foreach (var name in header) html.Element("th", name, ("scope", "col"));
        }
        using var body = html.Open("tbody");
        foreach (var row in rows)
        {
            using var line = html.Open("tr");
            html.Element("th", row[0], ("scope", "row"));
            foreach (var cell in row.Skip(1)) html.Element("td", cell);
        }
    }
}
