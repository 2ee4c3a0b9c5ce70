namespace BatchMl.Lineage;

/// <summary>Who gets OpenLineage events over HTTP, beside the files of the workspace.</summary>
/// <param name="Url">Where each event is posted to, e.g. <c>http://marquez:5000/api/v1/lineage</c>.</param>
/// <param name="ApiKey">Sent as <c>Authorization: Bearer …</c>; null: nothing is.</param>
public sealed record LineageReceiver(Uri Url, string? ApiKey)
{
    /// <summary>Without the key.</summary>
    public override string ToString() => Url.GetLeftPart(UriPartial.Path);
}
