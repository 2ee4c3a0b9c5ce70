namespace BatchMl.Monitoring;

/// <summary>A drawing over partitions from left to right. Lines leave gaps where a value is NaN.</summary>
sealed class PartitionPlot(Html html, IReadOnlyList<string> partitions, Axis axis, double height)
{
    public const double Width = 960, Left = 64, Right = 116;
    const double Top = 10, Bottom = 26;
    readonly List<(double Y, string Style, string Text)> labels = [];

    public double Band => (Width - Left - Right) / partitions.Count;

    public double X(int partition) => Left + Band * (partition + 0.5);

    public double Y(double value) => Top + (height - Top - Bottom) * (1 - axis.Position(value));

    /// <summary>Draws the frame, then the content, then the labels at the right, moved apart.</summary>
    public void Draw(string title, Action content)
    {
        using var scroll = html.Open("div", ("class", "scroll"));
        using var svg = html.Open("svg", ("viewBox", $"0 0 {Numeral.Coordinate(Width)} {Numeral.Coordinate(height)}"), ("role", "img"));
        html.Element("title", title);
        foreach (var tick in axis.Ticks)
        {
            html.Shape("line", ("class", "grid"), ("x1", Left), ("x2", Width - Right), ("y1", Y(tick)), ("y2", Y(tick)));
            html.Element("text", axis.Format(tick), ("x", Left - 8), ("y", Y(tick) + 4), ("class", "end"));
        }
        PartitionLabels(html, partitions, Left, Band, height - 6);
        content();
        var below = 0.0;
        foreach (var (y, style, text) in labels.OrderBy(l => l.Y))
        {
            below = Math.Max(y + 4, below);
            html.Element("text", text, ("x", Width - Right + 8), ("y", below), ("class", "label " + style));
            below += 14;
        }
    }

    /// <summary>Names of partitions below a drawing: so many that they do not meet.</summary>
    public static void PartitionLabels(Html html, IReadOnlyList<string> partitions, double left, double band, double y)
    {
        if (partitions.Count == 0) return;
        var widest = partitions.Max(p => p.Length) * 7.0 + 16;
        var step = Math.Max(1, (int)Math.Ceiling(widest / band));
        // One that would reach beyond the drawing is left out, unless it is the only one.
        for (var i = 0; i < partitions.Count && (i == 0 || left + band * (i + 0.5) + widest / 2 <= Width); i += step) html.Element("text", partitions[i], ("x", left + band * (i + 0.5)), ("y", y), ("class", "middle"));
    }

    public void Line(IReadOnlyList<double> values, string style)
    {
        var path = new PathText();
        for (var i = 0; i < values.Count; i++)
        {
            if (double.IsNaN(values[i])) path.Lift();
            else path.To(X(i), Y(values[i]));
        }
        html.Shape("path", ("class", "line " + style), ("d", path));
    }

    public void Dots(IReadOnlyList<double> values, string style, Func<int, string> title)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (double.IsNaN(values[i])) continue;
            using (html.Open("circle", ("class", style), ("cx", X(i)), ("cy", Y(values[i])), ("r", 2.5))) html.Element("title", title(i));
        }
    }

    /// <summary>The area between two lines, in one piece for each run of partitions that have both.</summary>
    public void Ribbon(IReadOnlyList<double> low, IReadOnlyList<double> high, string style)
    {
        for (var start = 0; start < low.Count; start++)
        {
            if (double.IsNaN(low[start])) continue;
            var end = start;
            while (end + 1 < low.Count && !double.IsNaN(low[end + 1])) end++;
            // Half a band to both sides: a single partition has a width too.
            var path = new PathText().To(X(start) - Band / 2, Y(low[start]));
            for (var i = start; i <= end; i++) path.To(X(i), Y(low[i]));
            path.To(X(end) + Band / 2, Y(low[end])).To(X(end) + Band / 2, Y(high[end]));
            for (var i = end; i >= start; i--) path.To(X(i), Y(high[i]));
            path.To(X(start) - Band / 2, Y(high[start])).Close();
            html.Shape("path", ("class", style), ("d", path));
            start = end;
        }
    }

    /// <summary>A level across the whole width, named at the right.</summary>
    public void Level(double value, string style, string name)
    {
        if (double.IsNaN(value)) return;
        html.Shape("line", ("class", "level " + style), ("x1", Left), ("x2", Width - Right), ("y1", Y(value)), ("y2", Y(value)));
        labels.Add((Y(value), style, name));
    }

    public void Bar(int partition, double from, double to, string style, string title)
    {
        var width = Math.Max(1, Band * 0.8);
        using (html.Open("rect", ("class", style), ("x", X(partition) - width / 2), ("width", width), ("y", Y(to)), ("height", Math.Max(0, Y(from) - Y(to))))) html.Element("title", title);
    }

    /// <summary>Marks a partition that has nothing to show.</summary>
    public void Gap(int partition, string title)
    {
        using (html.Open("rect", ("class", "gap"), ("x", X(partition) - Band / 2), ("width", Band), ("y", Top), ("height", height - Top - Bottom))) html.Element("title", title);
    }
}
