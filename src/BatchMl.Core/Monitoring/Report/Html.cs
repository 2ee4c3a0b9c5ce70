using System.Net;
using System.Text;

namespace BatchMl.Monitoring;

/// <summary>Writes HTML and SVG (which is XML, so that attributes are always quoted and elements always closed). Text and attributes are escaped here and nowhere else.</summary>
sealed class Html
{
    readonly StringBuilder text = new();

    /// <summary>Opens an element; dispose the result to close it.</summary>
    public Closing Open(string name, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Start(name, attributes);
        text.Append('>');
        return new Closing(this, name);
    }

    /// <summary>An element with text in it.</summary>
    public Html Element(string name, string content, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        using (Open(name, attributes)) Text(content);
        return this;
    }

    /// <summary>An SVG element without content.</summary>
    public Html Shape(string name, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Start(name, attributes);
        text.Append("/>");
        return this;
    }

    /// <summary>Escaped text.</summary>
    public Html Text(string content)
    {
        text.Append(Escaped(content));
        return this;
    }

    /// <summary>Markup of our own, as it is.</summary>
    public Html Raw(string markup)
    {
        text.Append(markup);
        return this;
    }

    void Start(string name, ReadOnlySpan<(string Name, object Value)> attributes)
    {
        // A line per element: the page can be compared line by line.
        text.Append("\n<").Append(name);
        foreach (var (attribute, value) in attributes)
        {
            text.Append(' ').Append(attribute).Append("=\"").Append(Escaped(value is double number ? Numeral.Coordinate(number) : value.ToString()!)).Append('"');
        }
    }

    // Control characters are allowed neither in HTML nor in XML, not even escaped; a column's name may have them all the same.
    static string Escaped(string content) => WebUtility.HtmlEncode(content.Any(char.IsControl) ? string.Concat(content.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : content);

    /// <summary>The page so far.</summary>
    public override string ToString() => text.ToString().TrimStart('\n') + "\n";

    /// <summary>Closes an element.</summary>
    public readonly struct Closing(Html html, string name) : IDisposable
    {
        /// <summary>Writes the end tag.</summary>
        public void Dispose() => html.text.Append("</").Append(name).Append('>');
    }
}
