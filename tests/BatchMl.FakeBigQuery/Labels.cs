using System.Text.Json.Nodes;

namespace BatchMl.Fakes;

/// <summary>cloud.google.com/bigquery/docs/labels-intro#requirements.</summary>
static class Labels
{
    public static void Check(JsonObject resource)
    {
        if (resource["labels"] is not JsonObject labels) return;
        if (labels.Count > 64) throw FakeError.Invalid("Too many labels: 64 at most.");
        foreach (var (key, value) in labels)
        {
            if (key.Length is 0 or > 63 || !char.IsLower(key[0]) || !Fits(key)) throw FakeError.Invalid($"Label key \"{key}\" has invalid characters.");
            if (value?.ToString() is { Length: > 63 } or null || !Fits(value!.ToString())) throw FakeError.Invalid($"Label value \"{value}\" has invalid characters.");
        }
    }

    static bool Fits(string text) => text.All(c => c is '_' or '-' || char.IsDigit(c) || char.IsLetter(c) && !char.IsUpper(c));
}
