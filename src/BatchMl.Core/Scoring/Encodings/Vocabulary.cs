using System.Runtime.InteropServices;
using System.Text.Json;
using Apache.Arrow;
using Utf8 = System.Text.Encoding;

namespace BatchMl.Scoring;

/// <summary>The categories that a fit knows, with codes 0, 1, … in their order. Immutable.</summary>
sealed class Vocabulary
{
    /// <summary>The code of a null.</summary>
    internal const int Null = -1;

    /// <summary>The code of a category that the fit did not keep.</summary>
    internal const int Unknown = -2;

    readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> codes;

    internal Vocabulary(IReadOnlyList<string> categories)
    {
        Categories = categories;
        var byText = new Dictionary<byte[], int>(categories.Count, Utf8Comparer.Instance);
        for (var code = 0; code < categories.Count; code++) byText.Add(Utf8.UTF8.GetBytes(categories[code]), code);
        codes = byText.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>In the order of their codes.</summary>
    internal IReadOnlyList<string> Categories { get; }

    /// <summary>The most frequent categories of training rows, most frequent first, ties by UTF-8 order.</summary>
    internal static Vocabulary Fit(IReadOnlyList<IArrowArray> columns, int maxCategories)
    {
        var counts = new Dictionary<byte[], long>(Utf8Comparer.Instance);
        var lookup = counts.GetAlternateLookup<ReadOnlySpan<byte>>();
        Span<byte> scratch = stackalloc byte[20];
        foreach (var column in columns)
        {
            var texts = new CategoryTexts(column, scratch);
            for (var row = 0; row < column.Length; row++)
                if (!texts.IsNull(row)) CollectionsMarshal.GetValueRefOrAddDefault(lookup, texts[row], out _)++;
        }
        var ordered = counts.ToArray();
        System.Array.Sort(ordered, (a, b) => a.Value != b.Value ? b.Value.CompareTo(a.Value) : a.Key.AsSpan().SequenceCompareTo(b.Key));
        return new([.. ordered.Take(maxCategories).Select(c => Utf8.UTF8.GetString(c.Key))]);
    }

    /// <summary>Each row's code, <see cref="Null"/> or <see cref="Unknown"/>. Returns how many are unknown.</summary>
    internal long Find(IArrowArray column, Span<int> to)
    {
        Span<byte> scratch = stackalloc byte[20];
        var texts = new CategoryTexts(column, scratch);
        var unknown = 0L;
        for (var row = 0; row < to.Length; row++)
        {
            if (texts.IsNull(row)) to[row] = Null;
            else if (codes.TryGetValue(texts[row], out var code)) to[row] = code;
            else (to[row], unknown) = (Unknown, unknown + 1);
        }
        return unknown;
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("categories");
        foreach (var category in Categories) json.WriteStringValue(category);
        json.WriteEndArray();
    }

    internal static Vocabulary Read(JsonElement json) => new([.. json.GetProperty("categories").EnumerateArray().Select(c => c.GetString()!)]);
}
