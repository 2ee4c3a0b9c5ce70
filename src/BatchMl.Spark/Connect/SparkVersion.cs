using System.Globalization;
using System.Text.RegularExpressions;

namespace BatchMl.Spark.Connect;

/// <summary>Version of a Spark server. Only major and minor decide anything, since vendors append to the rest (<c>3.5.1-amzn-1</c>) and patches change no protocol.</summary>
/// <param name="Major">First number.</param>
/// <param name="Minor">Second number.</param>
/// <param name="Text">What the server said, whole.</param>
public sealed partial record SparkVersion(int Major, int Minor, string Text)
{
    /// <summary>Whether functions of ours can run on it: 3.5 to 4.3, whose protocol between executor and worker is known. Queries run on anything from 3.5.</summary>
    public bool RunsFunctions => Number is >= 305 and <= 403;

    /// <summary>Whether the client can talk to it: 3.5 or newer.</summary>
    internal bool IsSupported => Number >= 305;

    /// <summary>Whether sessions can be released and error details fetched.</summary>
    internal bool IsAtLeast4 => Major >= 4;

    int Number => Major * 100 + Minor;

    /// <summary>Reads what a server says.</summary>
    /// <param name="text">For example <c>4.1.4</c>.</param>
    /// <exception cref="FormatException">It does not begin with two numbers.</exception>
    public static SparkVersion Parse(string text)
    {
        var match = Numbers().Match(text);
        return match.Success
            ? new SparkVersion(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture), text)
            : throw new FormatException($"Got the Spark version '{text}', expected one such as 4.1.4.");
    }

    /// <summary>The text.</summary>
    public override string ToString() => Text;

    [GeneratedRegex(@"^(\d{1,3})\.(\d{1,2})(?!\d)")]
    private static partial Regex Numbers();
}
