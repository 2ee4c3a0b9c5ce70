using System.Reflection;
using BatchMl.Data;
using BatchMl.Engine;
using BatchMl.Expressions;

namespace BatchMl.Testing.Internals;

/// <summary>The rows that a test gives to sources, by the source's name, and what those rows looked like earlier. Immutable.</summary>
sealed record Given(IReadOnlyList<Source> Sources)
{
    public IReadOnlyDictionary<string, IReadOnlyList<object>> Rows { get; init; } = new Dictionary<string, IReadOnlyList<object>>();

    public IReadOnlyDictionary<string, Func<object, DateTimeOffset, object?>> Learned { get; init; } = new Dictionary<string, Func<object, DateTimeOffset, object?>>();

    /// <summary>The one source of a record type.</summary>
    /// <exception cref="TestFailedException">There is none, or there are several.</exception>
    public string NameOf(Type recordType)
    {
        var names = Sources.Where(s => s.RecordType == recordType).Select(s => s.Name).Distinct().ToArray();
        return names.Length switch
        {
            1 => names[0],
            0 => throw new TestFailedException($"No source here has rows of type {recordType.Name}. There are: {string.Join(", ", Sources.Select(s => $"{s.Name} of {s.RecordType.Name}").Distinct())}."),
            _ => throw new TestFailedException($"The sources {string.Join(" and ", names)} have rows of type {recordType.Name}; say which, with the source before the rows."),
        };
    }

    public Given With(string source, IEnumerable<object> rows)
    {
        if (Sources.All(s => s.Name != source)) throw new TestFailedException($"Source '{source}' is not read here. The sources are: {string.Join(", ", Sources.Select(s => s.Name).Distinct())}.");
        return this with { Rows = new Dictionary<string, IReadOnlyList<object>>(Rows) { [source] = [.. Rows.GetValueOrDefault(source, []), .. rows] } };
    }

    public Given With(string source, Func<object, DateTimeOffset, object?> asItWas) => this with { Learned = new Dictionary<string, Func<object, DateTimeOffset, object?>>(Learned) { [source] = asItWas } };

    /// <summary>Every source's table; those that nothing was given to are empty.</summary>
    public IReadOnlyDictionary<string, RowTable> Tables() => Sources.DistinctBy(s => s.Name).ToDictionary(s => s.Name, s => Table(s, Rows.GetValueOrDefault(s.Name, [])), StringComparer.Ordinal);

    /// <summary>The rows of a source as its table had them at an instant, by the position of the row; null: not there yet.</summary>
    public IReadOnlyList<object?> AsItWas(string source, DateTimeOffset at)
    {
        var rows = Rows.GetValueOrDefault(source, []);
        if (Learned.TryGetValue(source, out var learned)) return [.. rows.Select(r => learned(r, at))];
        if (rows.Count == 0 || Sources.Where(s => s.Name == source).Select(s => s.AvailableAtExpr ?? s.EventTimeExpr).ToArray() is not [{ } known, ..] times || times.Contains(null)) return [.. rows];
        // Sources over one table may become known at different times: a row is there from the first of them on.
        var batch = Table(Sources.First(s => s.Name == source), rows).Rows;
        var columns = times.Select(t => CompiledExpr.Compile(t!).Evaluate(batch)).ToArray();
        var limit = at.ToUnixMicroseconds();
        return [.. rows.Select((r, i) => columns.Any(c => c.IsValid(i) && (long)Columns.ValueAt(c, i)! <= limit) ? r : null)];
    }

    /// <summary>A table of records.</summary>
    public static RowTable Table(Source source, IReadOnlyList<object> rows)
    {
        var properties = Properties(source.RecordType);
        var columns = source.Columns.Select(c => properties[c.Name]).ToArray();
        return RowTable.Of(source.Name, source.Columns, [.. rows.Select(r => columns.Select(p => Cell.Of(p.GetValue(r))).ToArray())]);
    }

    /// <summary>A row as text.</summary>
    public static string Text(Source source, object row)
    {
        var properties = Properties(source.RecordType);
        return string.Join(", ", source.Columns.Select(c => $"{c.Name}={Cell.Text(Cell.Of(properties[c.Name].GetValue(row)), c.Type)}"));
    }

    static Dictionary<string, PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.GetMethod is not null && p.GetIndexParameters().Length == 0).ToDictionary(p => RecordColumns.Of(p).Name, StringComparer.Ordinal);
}
