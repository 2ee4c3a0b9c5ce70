namespace BatchMl.Hosting;

/// <summary>Settings that may be secrets: instead of the text itself, where it is.</summary>
public static class Secret
{
    /// <summary>The text that a setting stands for: <c>env:NAME</c> is an environment variable, <c>file:PATH</c> a file's text without the line break at its end; anything else is itself.</summary>
    /// <param name="setting">The setting's value; null gives null.</param>
    /// <param name="name">The setting's name, for messages: the value is never in one.</param>
    /// <param name="origin">Which file, variable or option says it, for messages; null: that is not known.</param>
    /// <exception cref="DefinitionException">There is no such variable or file.</exception>
    public static string? Resolve(string? setting, string name, string? origin = null)
    {
        if (setting is null) return null;
        if (origin is not null) name = $"{name} ({origin})";
        if (setting.StartsWith("env:", StringComparison.Ordinal))
        {
            return Environment.GetEnvironmentVariable(setting[4..]) ?? throw new DefinitionException($"{name} refers to the environment variable {setting[4..]}, which is not set. Set it where the program runs, or refer to another by env:NAME or file:PATH.");
        }
        if (!setting.StartsWith("file:", StringComparison.Ordinal)) return setting;
        try
        {
            return File.ReadAllText(setting[5..]).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DefinitionException($"{name} refers to the file {setting[5..]}, which can not be read: {e.Message}");
        }
    }

    /// <summary>Whether a setting says where a secret is rather than the secret.</summary>
    internal static bool IsReference(string setting) => setting.StartsWith("env:", StringComparison.Ordinal) || setting.StartsWith("file:", StringComparison.Ordinal);

    /// <summary>Why a secret can not be had; null: it can.</summary>
    internal static string? Problem(string setting, string name, string origin)
    {
        try
        {
            Resolve(setting, name, origin);
            return null;
        }
        catch (DefinitionException e)
        {
            return e.Message;
        }
    }
}
