using System.Text.Json;

namespace BatchMl.Server;

/// <summary>One of some names, as forms and queries give them.</summary>
static class Choice
{
    /// <summary>The value of a name in snake_case; null: none was given.</summary>
    /// <exception cref="DefinitionException">It is none of them; says which there are.</exception>
    public static T? Of<T>(string? text, string name) where T : struct, Enum
    {
        if (text is not { Length: > 0 }) return null;
        var all = Enum.GetValues<T>();
        var found = all.Where(v => NameOf(v) == text.Replace('-', '_')).ToArray();
        return found.Length > 0 ? found[0] : throw new DefinitionException($"{name} is '{text}'; expected one of: {string.Join(", ", all.Select(NameOf))}.");
    }

    /// <summary>A value's name in snake_case.</summary>
    public static string NameOf<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
