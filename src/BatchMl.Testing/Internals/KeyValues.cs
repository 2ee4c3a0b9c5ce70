using System.Reflection;
using BatchMl.Data;
using BatchMl.Hosting;

namespace BatchMl.Testing.Internals;

/// <summary>A key as tests write it: the value itself where there is one column, else an object with a property for each, <c>new { Carrier = "UA", Flight = 1545 }</c>.</summary>
static class KeyValues
{
    /// <summary>The columns that a key names, with their values.</summary>
    /// <param name="key">As the test has it; null: no columns.</param>
    /// <param name="columns">The columns that there are.</param>
    /// <param name="single">The column that a bare value is for; null: a bare value says too little.</param>
    /// <exception cref="TestFailedException">It names a column that does not exist, or a bare value is given where there are several.</exception>
    public static Dictionary<string, object?> Of(object? key, IReadOnlyList<SourceColumn> columns, string? single)
    {
        if (key is null) return single is null ? [] : new() { [single] = null };
        var names = string.Join(", ", columns.Select(c => c.Name));
        if (RecordColumns.TypeOf(key.GetType()) is not null)
        {
            if (single is null) throw new TestFailedException($"The key is {(columns.Count == 0 ? "empty" : $"made of {names}")}, but the test gives the one value {key}. {(columns.Count == 0 ? "Leave it out." : "Give an object with a property for each column, new { … }.")}");
            return new() { [single] = Cell.Of(key, columns.First(c => c.Name == single).Type, single) };
        }
        var values = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var property in key.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0))
        {
            var name = RecordColumns.Of(property).Name;
            var column = columns.FirstOrDefault(c => c.Name == name)
                ?? throw new TestFailedException($"The key has no column '{name}'.{(Nearest.To(name, columns.Select(c => c.Name)) is { } nearest ? $" Did you mean '{nearest}'? It is made of {names}." : " It is empty.")}");
            values[name] = Cell.Of(property.GetValue(key), column.Type, name);
        }
        return values;
    }

    public static string Text(IEnumerable<KeyValuePair<string, object?>> key, IReadOnlyList<SourceColumn> columns) =>
        string.Join(", ", key.Select(k => $"{k.Key}={Cell.Text(k.Value, columns.First(c => c.Name == k.Key).Type)}"));
}
