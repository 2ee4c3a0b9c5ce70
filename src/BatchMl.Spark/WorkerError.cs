using System.Text;

namespace BatchMl.Spark;

/// <summary>
/// An exception of a worker on its way through Spark to the driver. Spark carries one text, puts its own words around it and may cut it at the end; so the first line says all that matters:
/// <c>DOTNET_WORKER|KIND|TYPE|MESSAGE</c> (message in base64, since Spark's words may follow on the line), then come message and stack for whoever reads Spark's pages.
/// </summary>
/// <param name="Kind">How the runner treats it.</param>
/// <param name="Type">The .NET type's full name.</param>
/// <param name="Message">The exception's message.</param>
sealed record WorkerError(FailureKind Kind, string Type, string Message)
{
    const string Marker = "DOTNET_WORKER|";

    // Spark cuts messages at 2,048 characters, its own words included; base64 is a third longer than the text.
    const int LongestMessage = 1_000;

    /// <summary>The text that Spark is given.</summary>
    public static string Format(Exception error)
    {
        var kind = error is BatchMlException known ? known.Kind : FailureKind.Bug;
        var message = error.Message.Length > LongestMessage ? error.Message[..LongestMessage] + "…" : error.Message;
        return $"{Marker}{kind}|{error.GetType().FullName}|{Convert.ToBase64String(Encoding.UTF8.GetBytes(message))}|\n{error}";
    }

    /// <summary>Finds such an error anywhere in a text of Spark's; null: there is none.</summary>
    public static WorkerError? Find(string text)
    {
        var start = text.IndexOf(Marker, StringComparison.Ordinal);
        if (start < 0) return null;
        var parts = text[(start + Marker.Length)..].Split('|', 4);
        if (parts.Length < 4 || !Enum.TryParse<FailureKind>(parts[0], out var kind)) return null;
        var message = new byte[parts[2].Length];
        return Convert.TryFromBase64String(parts[2], message, out var length) ? new WorkerError(kind, parts[1], Encoding.UTF8.GetString(message, 0, length)) : null;
    }
}
