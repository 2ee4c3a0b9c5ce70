using System.Reflection;
using System.Text;
using BatchMl.Data;

namespace BatchMl;

/// <summary>Reads columns off a record type: property <c>DepDelay</c> is column <c>dep_delay</c>, unless <c>[Column("…")]</c> says otherwise.</summary>
public static class RecordColumns
{
    internal const string AllowedTypes =
        "bool, int, long, short, byte, float, double, string, DateTimeOffset, DateTime (UTC), DateOnly and their nullable forms";

    /// <summary>The columns, in the order of the properties.</summary>
    /// <exception cref="DefinitionException">Properties of types that are not columns; all of them at once.</exception>
    public static IReadOnlyList<SourceColumn> Of(Type recordType)
    {
        var properties = recordType.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.GetMethod is not null && p.GetIndexParameters().Length == 0).OrderBy(p => Depth(p.DeclaringType!)).ThenBy(p => p.MetadataToken).ToArray();
        var problems = properties.Where(p => TypeOf(p.PropertyType) is null).Select(Problem).ToList();
        problems.AddRange(properties.GroupBy(NameOf).Where(g => g.Count() > 1).Select(g =>
            $"{recordType.Name}: properties {string.Join(" and ", g.Select(p => p.Name))} are both column '{g.Key}'; give one another name with [Column(\"…\")]."));
        if (properties.Length == 0) problems.Add($"{recordType.Name} has no public properties; a source's record type has one for each column that is used.");
        return problems.Count == 0 ? [.. properties.Select(Of)] : throw new DefinitionException(problems);
    }

    /// <summary>The column of a property.</summary>
    /// <exception cref="DefinitionException">Its type is not a column's.</exception>
    public static SourceColumn Of(PropertyInfo property) => new(
        NameOf(property), TypeOf(property.PropertyType) ?? throw new DefinitionException(Problem(property)), IsNullable(property));

    /// <summary>The column type of a CLR type, nullable or not; null if it has none.</summary>
    internal static ColumnType? TypeOf(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(bool) ? ColumnType.Boolean
            : type == typeof(long) || type == typeof(int) || type == typeof(short) || type == typeof(byte) ? ColumnType.Int64
            : type == typeof(double) || type == typeof(float) ? ColumnType.Double
            : type == typeof(string) ? ColumnType.String
            : type == typeof(DateTimeOffset) || type == typeof(DateTime) ? ColumnType.Timestamp
            : type == typeof(DateOnly) ? ColumnType.Date
            : null;
    }

    /// <summary><c>DepDelay</c> to <c>dep_delay</c>, <c>OrderID</c> to <c>order_id</c>, <c>URLPath</c> to <c>url_path</c>.</summary>
    internal static string SnakeCase(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            var starts = char.IsUpper(name[i]) && i > 0 && name[i - 1] != '_'
                && (!char.IsUpper(name[i - 1]) || i + 1 < name.Length && char.IsLower(name[i + 1]));
            if (starts) text.Append('_');
            text.Append(char.ToLowerInvariant(name[i]));
        }
        return text.ToString();
    }

    static string NameOf(PropertyInfo property) => property.GetCustomAttribute<ColumnAttribute>()?.Name ?? SnakeCase(property.Name);

    static string Problem(PropertyInfo property) =>
        $"{property.DeclaringType!.Name}.{property.Name} is of type {property.PropertyType.Name}, which is not a column's; allowed are {AllowedTypes}.";

    static bool IsNullable(PropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : new NullabilityInfoContext().Create(property).ReadState != NullabilityState.NotNull;

    static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}

/// <summary>The column name of a property, where it is not the property's name in snake_case.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ColumnAttribute(string name) : Attribute
{
    /// <summary>The column's name.</summary>
    public string Name { get; } = name;
}
