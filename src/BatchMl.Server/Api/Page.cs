namespace BatchMl.Server.Api;

/// <summary>A part of a list.</summary>
/// <param name="Items">The part.</param>
/// <param name="Total">How many there are in all; null: not counted.</param>
/// <param name="Next">What to ask for to get the next part, as <c>cursor</c>; null: this was the last one.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, int? Total, string? Next)
{
    /// <summary>The part of a list that is in memory.</summary>
    /// <exception cref="DefinitionException">Limit or cursor is wrong.</exception>
    internal static Page<T> Of(IReadOnlyList<T> all, int? limit, string? cursor)
    {
        var count = Paging.Limit(limit);
        var skip = cursor is null ? 0 : int.TryParse(cursor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : throw new DefinitionException($"cursor is '{cursor}'; expected what 'next' of the page before says.");
        var items = all.Skip(skip).Take(count).ToArray();
        return new Page<T>(items, all.Count, skip + items.Length < all.Count ? (skip + items.Length).ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
    }
}

/// <summary>Sizes of pages.</summary>
static class Paging
{
    /// <summary>How many are asked for: 100 unless told, 1,000 at most.</summary>
    /// <exception cref="DefinitionException">It is out of range.</exception>
    public static int Limit(int? limit) => limit switch
    {
        null => 100,
        >= 1 and <= 1_000 => limit.Value,
        _ => throw new DefinitionException($"limit is {limit}; expected 1 to 1000."),
    };
}
