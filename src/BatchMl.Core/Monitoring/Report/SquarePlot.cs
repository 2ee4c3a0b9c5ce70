namespace BatchMl.Monitoring;

/// <summary>A square drawing with the same axis across and upwards.</summary>
sealed class SquarePlot(Html html, Axis axis)
{
    const double Size = 420, Left = 56, Right = 16, Top = 12, Bottom = 44;

    /// <summary>Draws the frame, then the content.</summary>
    public void Draw(string title, string across, Action content)
    {
        using var svg = html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Size)} {Numeral.Coordinate(Size)}"), ("role", "img"));
        html.Element("title", title);
        foreach (var tick in axis.Ticks)
        {
            html.Shape("line", ("class", "grid"), ("x1", Left), ("x2", Size - Right), ("y1", Y(tick)), ("y2", Y(tick)));
            html.Element("text", axis.Format(tick), ("class", "end"), ("x", Left - 8), ("y", Y(tick) + 4));
            html.Element("text", axis.Format(tick), ("class", "middle"), ("x", X(tick)), ("y", Size - Bottom + 18));
        }
        html.Element("text", across, ("class", "middle"), ("x", (Left + Size - Right) / 2), ("y", Size - 8));
        content();
    }

    /// <summary>The dashed line on which both are equal.</summary>
    public void Diagonal() => html.Shape("line", ("class", "level before"), ("x1", Left), ("y1", Size - Bottom), ("x2", Size - Right), ("y2", Top));

    /// <summary>A dashed line across.</summary>
    public void Level(double value) => html.Shape("line", ("class", "level before"), ("x1", Left), ("y1", Y(value)), ("x2", Size - Right), ("y2", Y(value)));

    public void Line(IEnumerable<(double X, double Y)> points, string style)
    {
        var path = new PathText();
        foreach (var (x, y) in points) path.To(X(x), Y(y));
        html.Shape("path", ("class", "line " + style), ("d", path));
    }

    public void Dot(double x, double y, string style, string title)
    {
        using var circle = html.Open("circle", ("class", style), ("cx", X(x)), ("cy", Y(y)), ("r", 3.5));
        html.Element("title", title);
    }

    double X(double value) => Left + (Size - Left - Right) * axis.Position(value);

    double Y(double value) => Top + (Size - Top - Bottom) * (1 - axis.Position(value));
}
