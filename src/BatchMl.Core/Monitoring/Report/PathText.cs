using System.Text;

namespace BatchMl.Monitoring;

/// <summary>The <c>d</c> attribute of an SVG path.</summary>
sealed class PathText
{
    readonly StringBuilder text = new();
    bool down;

    public PathText To(double x, double y)
    {
        text.Append(down ? 'L' : 'M').Append(Numeral.Coordinate(x)).Append(' ').Append(Numeral.Coordinate(y));
        down = true;
        return this;
    }

    /// <summary>The next point begins a new line.</summary>
    public void Lift() => down = false;

    public void Close() => text.Append('Z');

    public override string ToString() => text.ToString();
}
