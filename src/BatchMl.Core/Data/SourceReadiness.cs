namespace BatchMl.Data;

/// <summary>What tells that a source is ready for a partition.</summary>
public enum ReadyRule
{
    /// <summary>It always is. The default.</summary>
    None,
    /// <summary>Its newest row, by when rows became known, is at or behind the greatest <c>as_of</c> of the partition.</summary>
    Watermark,
    /// <summary>A marker file, see <see cref="SuccessMarkers"/>.</summary>
    Success,
}

/// <summary>When a source is ready.</summary>
/// <param name="Rule">What tells it.</param>
/// <param name="Paths">Files, folders or globs that it is read from.</param>
public sealed record SourceReadiness(ReadyRule Rule, IReadOnlyList<string> Paths)
{
    /// <summary>Always.</summary>
    public static readonly SourceReadiness Always = new(ReadyRule.None, []);
}
