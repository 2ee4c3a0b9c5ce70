using System.Reflection;

namespace BatchMl;

/// <summary>Reads columns off a record type: property <c>DepDelay</c> is column <c>dep_delay</c>, unless <c>[Column("…")]</c> says otherwise.</summary>
public static class RecordColumns
{
    /// <summary>The columns, in the order of the properties.</summary>
    /// <exception cref="DefinitionException">Properties of types that are not columns; all of them at once.</exception>
    public static IReadOnlyList<SourceColumn> Of(Type recordType) => throw new NotImplementedException();

    /// <summary>The column of a property.</summary>
    public static SourceColumn Of(PropertyInfo property) => throw new NotImplementedException();
}

/// <summary>The column name of a property, where it is not the property's name in snake_case.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ColumnAttribute(string name) : Attribute
{
    /// <summary>The column's name.</summary>
    public string Name { get; } = name;
}
